//! Presentations and requests through QR codes.

mod bad_input;
mod card;
mod properties;
mod size;
mod vectors;
