//! Decides whether a presentation is acceptable.
