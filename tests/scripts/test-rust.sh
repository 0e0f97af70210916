#!/usr/bin/env bash
# Runs the Rust tests with nextest where it is installed, else with cargo test.
set -euo pipefail

if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run "$@" --workspace
else
  # Scenarios start processes of their own: two at a time are enough for any machine.
  cargo test "$@" --workspace -- --test-threads="${TEST_THREADS:-2}"
fi
cargo test "$@" --workspace --doc
