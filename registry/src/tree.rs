//! The state tree that a node keeps.
