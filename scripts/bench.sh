#!/bin/sh
# The benchmarks, against a fresh production bundle.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
[ "$(id -u)" = 0 ] || die "the benchmarks boot real sandboxes, and that needs root for now" "Run: sudo npm run bench"
sh scripts/setup.sh
unset NODE_EXTRA_CA_CERTS
exec node --import tsx test/bench/main.ts "$@"
