#!/usr/bin/env bash
# Fails where tests would build a crate with other features than the programs: everything would be built twice.
set -euo pipefail

crates() { # crates EDGES
  cargo tree --locked --workspace --edges "$1" --prefix none --format '{p} {f}' | sed 's/ (\*)$//' | sort -u
}

only_tests=$(comm -13 <(crates no-dev) <(crates normal,build,dev) | cut -d' ' -f1 | sort)
both=$(crates no-dev | cut -d' ' -f1 | sort -u)
twice=$(comm -12 <(echo "$only_tests") <(echo "$both"))
if [ -n "$twice" ]; then
  echo "built twice, because tests ask for other features:" $twice >&2
  exit 1
fi
