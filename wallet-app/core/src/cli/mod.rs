//! The command line: arguments in, the library's calls, one tidy answer out.

mod arguments;
mod ask;
mod commands;
mod failure;
mod korean;
mod output;
mod pictures;
mod tell;

pub(crate) use arguments::Arguments;
pub(crate) use commands::run;
pub(crate) use tell::Language;
