//! Runs the registry as a BFT validator.
