#!/bin/sh
# Every static check. The types take as long as all others together, so they are checked beside them.
set -eu
cd "$(dirname "$0")/.."
# First: it writes what the others read.
npm run --silent check:fresh
npm run --silent check:types &
types=$!
status=0
npm run --silent check:lint && npm run --silent check:dead || status=$?
wait "$types" || status=$?
exit "$status"
