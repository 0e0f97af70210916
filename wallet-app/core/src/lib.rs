//! Holds a citizen's credentials and presents them.
