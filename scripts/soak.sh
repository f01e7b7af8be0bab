#!/bin/sh
# Clients, guests and cores that are killed while they work, against a fresh production bundle.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
[ "$(id -u)" = 0 ] || die "the soak boots real sandboxes, and that needs root for now" "Run: sudo npm run soak"
sh scripts/setup.sh
unset NODE_EXTRA_CA_CERTS
exec node --import tsx test/soak/main.ts "$@"
