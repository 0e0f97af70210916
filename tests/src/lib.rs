//! Whole-system scenarios, the demonstration and the measurements.
