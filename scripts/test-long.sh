#!/bin/sh
# The long forms of the tests, one after the other, some hours in all: the last lines say how each of them ended, and how long
# it took. `npm run test:long -- crashes soak` runs some of them; what they are is at the end.
#   FSB_LONG_FRAMES (1000000)  FSB_LONG_CYCLES (10000)  FSB_LONG_FUZZ_SECONDS (300, for each target)  FSB_TEST_SEED
# Words for the crashes and the transports go to vitest: FSB_LONG_WORDS='-t delete'.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh
[ "$(id -u)" = 0 ] || die "the tests boot real sandboxes, and that needs root for now" "Run: sudo npm run test:long"
logs=$(mktemp -d "${TMPDIR:-/tmp}/fsb-long.XXXXXX")
failed=0

crashes() { FSB_TEST_ALL_CRASHES=1 sh scripts/test.sh test/integration/core/crash ${FSB_LONG_WORDS:-}; }
frames() {
  FSB_TEST_FRAMES=${FSB_LONG_FRAMES:-1000000} sh scripts/test.sh --testTimeout 3600000 \
    test/unit/server/hostile/hostile-clients.test.ts test/unit/server/hostile/hostile-http2.test.ts
}
soak() { sh scripts/soak.sh --cycles "${FSB_LONG_CYCLES:-10000}"; }
fuzz() { npm run --silent fuzz -- --seconds "${FSB_LONG_FUZZ_SECONDS:-300}" ${FSB_TEST_SEED:+--seed "$FSB_TEST_SEED"}; }
transports() { npm run --silent test:transports -- ${FSB_LONG_WORDS:-}; }

# One line for each: its log is shown when it failed, and kept.
form() {
  started=$(date +%s)
  if "$1" >"$logs/$1" 2>&1; then outcome=passed; else outcome=FAILED failed=1; fi
  said=$(grep -v '^ *$' "$logs/$1" | tail -n 1)
  line="$1: $outcome in $(($(date +%s) - started)) s: $said"
  echo "$line"
  [ "$outcome" = passed ] || echo "  see $logs/$1"
}

[ $# -gt 0 ] || set -- crashes frames soak fuzz transports
for name in "$@"; do
  case $name in
    crashes | frames | soak | fuzz | transports) ;;
    *) die "$name is no long form" "They are: crashes frames soak fuzz transports" ;;
  esac
done
for name in "$@"; do form "$name"; done
exit $failed
