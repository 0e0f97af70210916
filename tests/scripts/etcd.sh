#!/usr/bin/env bash
# Fetches etcd from Debian's packages into a directory, without installing or starting it, and prints the program's path.
# Prints nothing where it cannot be had: the measurements then go on without it.
set -euo pipefail

into=${1:?usage: etcd.sh DIRECTORY}
if command -v etcd; then
  exit 0
fi
program=$into/usr/bin/etcd
if [ ! -x "$program" ]; then
  mkdir -p "$into"
  if ! (cd "$into" && apt-get download -q etcd-server && dpkg-deb -x etcd-server_*.deb .) >&2; then
    echo "etcd.sh: etcd cannot be had here; measuring without it" >&2
    exit 0
  fi
fi
echo "$program"
