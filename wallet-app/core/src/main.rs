//! Holds a citizen's credentials and presents them, from the command line.

fn main() {}
