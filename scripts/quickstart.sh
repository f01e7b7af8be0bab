#!/bin/sh
# The first five minutes: installs what is missing, starts the core, and walks through the commands on a real sandbox.
# Safe to run again and again: it deletes only the sandbox that it makes itself.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib.sh

say "== 1. Set-up"
sh scripts/setup.sh

PATH="$PWD/scripts/path:$PATH"
export PATH
say ""
say "== 2. What this machine has"
run fsb-ctl doctor

say ""
say "== 3. The core: it keeps warm sandboxes ready"
run fsb-ctl daemon start
run fsb-ctl pool status

say ""
say "== 4. A sandbox on the host image: this machine's own /usr, and nothing of yours"
fsb-ctl delete -f quickstart >/dev/null 2>&1 || true
run fsb-ctl run quickstart --image host -- sh -c 'for i in 1 2 3; do echo "hello $i"; sleep 1; done; sleep 600'
run fsb-ctl list

say ""
say "== 5. Its logs, followed while it writes (for 4 seconds)"
show fsb-ctl logs -f quickstart
timeout 4 fsb-ctl logs -f quickstart || true

say ""
say "== 6. A command inside, and its exit code"
run fsb-ctl exec quickstart id
show fsb-ctl exec quickstart sh -c 'exit 7'
code=0
fsb-ctl exec quickstart sh -c 'exit 7' || code=$?
say "(exit code $code)"

say ""
say "== 7. Gone, with every trace"
run fsb-ctl delete quickstart
run fsb-ctl list -a

cat <<'END'

It works. To have the command on your PATH:    npm link   (or: alias fsb-ctl="$PWD/bin/run.js")
Try next:
    fsb-ctl run job --rm --image host -- python3 -c 'print(6 * 7)'
    fsb-ctl run box --image host -- sleep infinity
    fsb-ctl exec -it box bash
    fsb-ctl delete box
    fsb-ctl --help
    fsb-ctl daemon stop      (stops the core and removes the warm instances; sandboxes run on)
END
