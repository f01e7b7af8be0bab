#!/bin/sh
# Makes this checkout ready to run: Debian packages, npm packages, the guest binaries and the bundle.
# Does only what is missing, and prints each command before it runs it. `--test` adds what the tests need.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh

require_node

wanted="runc make gcc libc6-dev musl-tools ca-certificates"
programs=all
if [ "${1:-}" = --test ]; then
  wanted="$wanted $TEST_PACKAGES"
  programs=dist
fi
missing=$(missing_packages $wanted)
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ]; then
    say "These Debian packages are missing, and only root can install them. Run:"
    say "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing"
    say "then start this again. (Sandboxes themselves need root, too, for now.)"
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt="apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120"
  # shellcheck disable=SC2086 # lists of words
  run $apt update && run $apt install -y --no-install-recommends $missing ||
    die "apt-get could not install $missing" "Check the network and /etc/apt/sources.list, then start this again."
fi

# npm writes node_modules/.package-lock.json last: older than the lock file, or absent, means not (wholly) installed.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  # Not `npm ci`: it refuses a lock file that lacks the optional packages of other platforms, as ours may.
  run npm install --no-audit --no-fund --loglevel=error ||
    die "npm could not install the packages" "Check the network and npm's registry setting, then start this again."
  touch node_modules/.package-lock.json
fi

run make --no-print-directory -s -C guest "$programs"
if bundle_is_stale; then run npm run --silent build; fi
