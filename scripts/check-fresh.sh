#!/bin/sh
# Fails when committed generated files (protobuf code, man pages, the README's command reference) differ from what
# the generators make now.
set -eu
cd "$(dirname "$0")/.."
generated="src/core/wire/gen man README.md package.json"
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
for path in $generated; do cp -r --parents "$path" "$before/"; done
npm run --silent generate
for path in $generated; do
  diff -r "$before/$path" "$path" || {
    echo "Error: $path is stale; commit what 'npm run generate' made just now" >&2
    exit 1
  }
done
