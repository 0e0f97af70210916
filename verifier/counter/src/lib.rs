//! Serves an office's desks: requests, scans, verdicts.
