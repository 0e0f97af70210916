//! Presentations and requests through QR codes.

mod card;
mod size;
