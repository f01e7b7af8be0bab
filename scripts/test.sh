#!/bin/sh
# Set-up if needed, then every test; the last line is `N passed, N failed, N skipped`.
# Arguments go to vitest: `npm test -- test/unit`.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
[ "$(id -u)" = 0 ] || die "the tests boot real sandboxes, and that needs root for now" "Run: sudo npm test"
sh scripts/setup.sh --test
# In every node process this costs 60 ms, and no test leaves the machine.
unset NODE_EXTRA_CA_CERTS
results=$(mktemp)
trap 'rm -f "$results"' EXIT
status=0
npx vitest run --reporter=default --reporter=json --outputFile.json="$results" "$@" || status=$?
node scripts/summary.mjs "$results" "$status" || status=1
exit "$status"
