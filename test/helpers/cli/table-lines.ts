/**
 * Command lines that together use every flag of every command on a real core, and what they print: on standard error nothing,
 * and no command of them fails, where it does not say otherwise (`|| echo $?` goes on). Each starts with a
 * sandbox `box` (sleep 1000, label team=red, with -i) and nothing else running; files `vars` (B=2), `spec.yaml`,
 * `pool.yaml`, `alpine.tar`, `rootfs.tar`; and a registry at $REGISTRY with tools:1.
 */
export type TableLine = [
  line: string,
  shows: RegExp | string,
  others?: { code?: number; stderr?: RegExp | string },
];

const get = (path: string, name = 'box'): string =>
  `fsb-ctl get ${name} -o json | node -p 'JSON.stringify(JSON.parse(require("fs").readFileSync(0)).${path})'`;
/** One that does not end by itself, until it has said something, in `said`; prints with what it ends when it is interrupted. */
const begins = (line: string): string =>
  `fsb-ctl ${line} >said & until [ -s said ]; do sleep 0.1; done; kill -INT $!; wait $! || echo $?`;
const policy = [
  '--warm host=1 --size 1 --max 9 --min 1 --buffer-min 0 --buffer-max 2 --memory-budget 4g --ttl 90s',
  '--max-age 1h --on-empty wait --queue-timeout 20s --reuse sticky --pause-idle --cpus 0.5 --memory 128m --pids 99 --disk 64m --lease-ttl 2h',
].join(' ');
const serveFlags = `--root $PWD/o --http off --metrics off --grpc 127.0.0.1:0 --log-size 100m --log-retention 1h`;
const show = `fsb-ctl pool get ci -o json | tr -d ' \\n'`;
const shown = /"count":1.*"min":1,"max":9.*"on_empty":"wait".*"reuse":"sticky"/;

const life: TableLine[] = [
  [
    `A=1 fsb-ctl run a -d -q --image host --pull missing -l team=blue -l ci -e A --env-file vars -w /tmp -u nobody --ttl 1h --pool default-pool --consistency strong -m 256m --cpus 0.5 --pids 99 --disk 64m --network none -v /etc:/mnt/etc -p 8080 --failure-policy AutoRecreate --recovery-timeout 5s --id-file id --idempotency-key k --entrypoint sh --detach-keys ctrl-x -- -c 'echo $A$B $PWD $(id -un) $(cat /mnt/etc/hostname); exec sleep 100'; until [ "$(fsb-ctl logs a)" ]; do sleep 0.1; done; fsb-ctl logs a && ${get('spec.resources', 'a')} && cat id && rm id`,
    /^[0-9a-f]{32}\n12 \/tmp nobody \S+\n\{"cpus":0.5,"memory":268435456,"pids":99,"disk":67108864\}\n[0-9a-f]{32}$/,
  ],
  ['fsb-ctl run a -a --no-sig-proxy --image host -- echo hi; fsb-ctl get a -o name', 'hi\na\n'],
  ['echo in | fsb-ctl run a --rm -i -f spec.yaml; fsb-ctl list -a -q', 'in\nbox\n'],
  [
    `fsb-ctl run a -q --expire-time 4102444800 --image host -- true >/dev/null; ${get('spec.expire_time', 'a')}`,
    '4102444800\n',
  ],
  [
    'fsb-ctl run a --rm --image $REGISTRY/tools:1 --platform linux/amd64 --pull always -- echo hi',
    'hi\n',
    {
      stderr:
        /^1: Pulling from \S+\/tools\n(\w{12}: (Pulling fs layer|Download complete|Pull complete)\n){6}Digest: sha256:\w{64}\nStatus: Downloaded newer image for \S+\/tools:1\n$/,
    },
  ],
  ['fsb-ctl run a --yes -q --image host -- true', /^[0-9a-f]{32}\n$/],
  ['fsb-ctl list --phase running --latest -q; fsb-ctl list --last 1 -q', 'box\nbox\n'],
  ['fsb-ctl stop -s KILL box; fsb-ctl start box; fsb-ctl restart --signal KILL box', 'box\nbox\nbox\n'],
  ['fsb-ctl stats --all --all-namespaces --no-stream', /^NAMESPACE +NAME +CPU % .*\n(.*\n)*default +box +\d/],
  ['fsb-ctl list -l team=red -A --no-trunc', /^NAMESPACE +NAME +ID .*\ndefault +box +[0-9a-f]{32} .*\n$/],
  ['fsb-ctl kill box; fsb-ctl wait box; fsb-ctl ls -q; fsb-ctl ps --all -q', 'box\n137\nbox\n'],
  ['fsb-ctl get box', /^Name: +box\n(.*\n)*Phase: +Running/],
  ['fsb-ctl inspect box -f json; fsb-ctl inspect box', /^\{"Id":.*\}\n\[\n +\{\n +"Id"/],
  ['fsb-ctl inspect --type container -q box; fsb-ctl inspect -q host box', 'box\nhost\nbox\n'],
  [
    'fsb-ctl run a -q --image host -- sh -c "echo out; echo err >&2" >/dev/null; fsb-ctl wait a >/dev/null; fsb-ctl logs -f -n 1 -t --since 1h --until 0s --stdout a',
    /^\d{4}-\S+Z out\n$/,
  ],
  [
    'fsb-ctl run a -q --image host -- sh -c "echo out; echo err >&2" >/dev/null; fsb-ctl wait a; fsb-ctl logs --stderr a 2>&1 >/dev/null',
    '0\nerr\n',
  ],
  [
    `A=1 fsb-ctl exec -e A --env-file vars -w /tmp -u nobody --no-sig-proxy --detach-keys '' box sh -c 'echo $A$B $PWD $(id -un)'`,
    '12 /tmp nobody\n',
  ],
  [
    `fsb-ctl exec -d box touch /tmp/made; echo x | fsb-ctl exec -i box cat; fsb-ctl exec box sh -c 'until ls /tmp/made 2>/dev/null; do sleep 0.1; done'`,
    'x\n/tmp/made\n',
  ],
  ['fsb-ctl delete --grace 1s --no-wait box', 'box\n'],
  ['fsb-ctl delete -f box; fsb-ctl delete --all; fsb-ctl list -q', 'box\n'],
  ['fsb-ctl rm --selector team=red --grace 0s --yes', 'box\n'],
  [
    `fsb-ctl update box --ttl none --failure-policy Manual --recovery-timeout 30s --label owner=me --label team- --cpus 0.5 --memory 128m --pids 64; fsb-ctl get box -o json | tr -d ' \\n'`,
    /^box\n.*"labels":\{"owner":"me"\}.*"failure_policy":"Manual","recovery_timeout_seconds":30.*"cpus":0.5,"memory":134217728,"pids":64/,
  ],
  [`fsb-ctl update box --expire-time 4102444800; ${get('spec.expire_time')}`, 'box\n4102444800\n'],
  [
    'fsb-ctl exec box touch /here; fsb-ctl reset -t 0 box; fsb-ctl exec box ls /here',
    'box\n',
    { code: 2, stderr: "ls: cannot access '/here': No such file or directory\n" },
  ],
  ['fsb-ctl exec box touch /here; fsb-ctl restart -t 0 box; fsb-ctl exec box ls /here', 'box\n/here\n'],
  ['fsb-ctl stop -t 1 box; fsb-ctl list -q; fsb-ctl start box; fsb-ctl list -q', 'box\nbox\nbox\n'],
  [
    'fsb-ctl run a -q -i --image host cat </dev/null >/dev/null; sleep 0.5; fsb-ctl stop -t 0 a; echo in | fsb-ctl start -a -i --no-sig-proxy --detach-keys ctrl-x a',
    'a\nin\n',
  ],
  [`fsb-ctl pause box; ${get('paused')}; fsb-ctl unpause box; ${get('paused')}`, 'box\ntrue\nbox\nfalse\n'],
  ['fsb-ctl kill -s TERM box; fsb-ctl wait box', 'box\n143\n'],
  [
    'fsb-ctl run a -q --image host -- sh -c "sleep 5; echo late; exit 3" >/dev/null; fsb-ctl attach --no-stdin --no-sig-proxy --detach-keys "" a || echo $?',
    'late\n3\n',
  ],
  ['fsb-ctl rename box crate; fsb-ctl list -q', /^(crate\n)?crate\n$/],
];

const guest: TableLine[] = [
  [
    'mkdir -p t && echo hi > t/f && ln -sf f t/l && fsb-ctl cp -q -a t box:/tmp/ && fsb-ctl exec box readlink /tmp/t/l && fsb-ctl cp -L t/l box:/tmp/l && fsb-ctl exec box cat /tmp/l',
    'f\nhi\n',
    { stderr: 'Successfully copied 3B to box:/tmp/l\n' },
  ],
  [
    'fsb-ctl cp box:/etc/hostname - | tar t; tar c vars | fsb-ctl cp - box:/tmp; fsb-ctl exec box cat /tmp/vars',
    'hostname\nB=2\n',
    { stderr: 'Successfully copied 10.2kB to box:/tmp\n' },
  ],
  [
    `fsb-ctl run a -q --image host -- sh -c 'cd /etc; exec python3 -m http.server 80' >/dev/null; until fsb-ctl exec a grep -qs :0050 /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done; fsb-ctl port-forward -q --address 127.0.0.1 a 0:80 >port & until [ -s port ]; do sleep 0.1; done; curl -sf localhost:$(cat port)/os-release | grep ^ID=; kill -INT $!; wait $! || echo $?; rm port`,
    /^ID=\w+\n130\n$/,
  ],
  ['fsb-ctl top box', /^UID .*\nroot .*sleep 1000\n$/],
];

const pools: TableLine[] = [
  [`fsb-ctl pool create ci --pull never ${policy} -q; ${show}`, shown],
  [
    'fsb-ctl pool create ci --image host -o name; fsb-ctl pool update ci --image host -q; fsb-ctl pool rm ci -f; fsb-ctl pool start ci --image host -q; fsb-ctl pool rm ci -f; fsb-ctl pool create ci -f pool.yaml -o name',
    'ci\nci\nci\nci\nci\nci\n',
  ],
  [
    `fsb-ctl pool create ci -q; fsb-ctl pool update ci --pull never ${policy} --pressure 0.5 --reset -q; ${show}`,
    shown,
  ],
  [
    "fsb-ctl pool create ci -q; fsb-ctl pool update ci -f pool.yaml -q; fsb-ctl pool inspect -f '{{.name}}' ci; fsb-ctl pool get ci",
    /^ci\nci\nci\nName: +ci\n/,
  ],
  [`fsb-ctl pool start ci --pull never ${policy} --no-wait -q; ${show}`, shown],
  [
    'fsb-ctl pool start ci --warm host=1 -q; fsb-ctl pool status ci; fsb-ctl pool stop ci --timeout 5s -q',
    /^ci\nPOOL .*\nci +host .*\nci\n$/,
  ],
  [
    'fsb-ctl pool create ci -q; fsb-ctl pool drain ci --timeout 5s --force -q; fsb-ctl pool rm ci --force',
    'ci\nci\nci\n',
  ],
  [`${begins('pool status -w -o json')}; sed -n 1p said; rm said`, /^130\n\[\{"pool":"default-pool".*\n$/],
  [
    `fsb-ctl pool create ci -q; A=1 fsb-ctl pool run -e A --env-file vars -w /tmp -u nobody --no-sig-proxy -m 128m --cpus 0.5 --pids 50 --disk 64m --network none -v /etc:/mnt/etc --image host --pull never --pool ci --wait 20s --on-empty boot sh -c 'echo $A$B $PWD $(id -un)'`,
    'ci\n12 /tmp nobody\n',
  ],
  ['echo in | fsb-ctl pool run -i --image $REGISTRY/tools:1 --platform linux/amd64 cat', 'in\n'],
  [
    `l=$(fsb-ctl pool run --lease --lease-ttl 5m -q); A=1 fsb-ctl pool exec -e A --env-file vars -w /tmp -u nobody --no-sig-proxy $l sh -c 'echo $A$B $PWD'; fsb-ctl pool exec -d --detach-keys ctrl-x $l true; echo in | fsb-ctl pool exec -i $l cat; fsb-ctl pool leases -q | grep -c $l; fsb-ctl pool release -q $l | wc -c`,
    '12 /tmp\nin\n1\n18\n',
  ],
  [
    'fsb-ctl pool run --lease --detach-keys ctrl-x echo hi; fsb-ctl pool leases -q | xargs fsb-ctl pool release >/dev/null',
    'hi\n',
    { stderr: /^Lease: l[0-9a-f]{16}\n$/ },
  ],
];

const images: TableLine[] = [
  ['fsb-ctl image pull --platform linux/amd64 $REGISTRY/tools:1 -q', /tools:1\n$|^sha256:\w+\n$/],
  [
    'fsb-ctl load -i alpine.tar -q >/dev/null; fsb-ctl images --filter reference=alpine --digests --no-trunc',
    /^IMAGE .*DIGEST.*\n.*alpine:latest.*sha256:[0-9a-f]{64}/,
  ],
  ['fsb-ctl import alpine.tar --name mine:2 -q >/dev/null; fsb-ctl image ls -a -q | wc -l', /^[1-9]\d*\n$/],
  [
    `fsb-ctl image import --rootfs rootfs.tar mine:1 -c 'ENV A=1' --platform linux/amd64 -q >/dev/null; fsb-ctl image inspect mine:1`,
    /"A=1"|"A": "1"/,
  ],
  [
    'fsb-ctl load -q -i alpine.tar >/dev/null; fsb-ctl history --no-trunc --no-human alpine',
    /^CREATED +CREATED BY/,
  ],
  [
    'fsb-ctl load -q -i alpine.tar >/dev/null; fsb-ctl tag alpine mine:3; fsb-ctl save mine:3 -o s.tar; tar tf s.tar | grep -c manifest.json; rm s.tar',
    '1\n',
    { stderr: 's.tar: Saved\n' },
  ],
  [
    'fsb-ctl load -q -i alpine.tar >/dev/null; fsb-ctl rmi -f alpine nothing-like-it || echo $?; fsb-ctl image prune -a --force --filter until=0s; fsb-ctl image prune --yes -q',
    /^Untagged: alpine:latest\n3\n(.*\n)*Total reclaimed space: /,
    {
      stderr:
        'Error: image nothing-like-it:latest is not here\nHint: See what there is with: fsb-ctl image list\n',
    },
  ],
  [
    'fsb-ctl login -u me -p secret $REGISTRY 2>/dev/null; echo secret | fsb-ctl login $REGISTRY --username me --password-stdin; fsb-ctl logout $REGISTRY',
    /^Login Succeeded\nLogin Succeeded\nRemoving login credentials for /,
    {
      stderr:
        /^WARNING! Your credentials are stored unencrypted in '\S+\/\.docker\/config\.json'\.\nConfigure a credential helper to remove this warning\. See\nhttps:\S+\n\n$/,
    },
  ],
];

const selfSigned = 'openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=core -keyout k -out c 2>/dev/null';
const secure = `${serveFlags} --tls-cert c --tls-key k --client-ca c`;
const cores: TableLine[] = [
  [
    `${selfSigned}; fsb-ctl daemon start ${secure} --generate-token -q; fsb-ctl daemon restart ${secure} --token-file o/token -q; fsb-ctl daemon stop --root $PWD/o; fsb-ctl daemon start ${serveFlags} --token-file o/token -q; fsb-ctl daemon restart ${serveFlags} --generate-token -q; fsb-ctl daemon stop --root $PWD/o`,
    /^(unix:\S+\n){4}$/,
    { stderr: 'The core has stopped.\nThe core has stopped.\n' },
  ],
  [
    `mkfifo ready; fsb-ctl serve ${secure} --token-file o/token --ready-fd 3 3>ready 2>/dev/null & cat ready | grep -o 'tls://127' ; kill -INT $!; wait $!; echo $?; rm ready c k`,
    'tls://127\n0\n',
  ],
  [
    `fsb-ctl daemon start ${serveFlags} ${policy} -q; fsb-ctl daemon restart ${serveFlags} ${policy} -q; fsb-ctl daemon status --root $PWD/o -q; fsb-ctl daemon logs --root $PWD/o -n 1 | grep -c msg; fsb-ctl daemon stop --root $PWD/o`,
    /^(unix:\S+\n){3}1\n$/,
    { stderr: 'The core has stopped.\n' },
  ],
  [
    `mkfifo ready; fsb-ctl serve ${serveFlags} ${policy} --ready-fd 3 3>ready 2>/dev/null & cat ready >/dev/null; fsb-ctl --host unix://$PWD/o/run/fsb.sock list -q; kill -INT $!; wait $!; echo $?; rm ready`,
    '0\n',
  ],
  ['fsb-ctl version --client', /^fsb-ctl: /],
  [
    'fsb-ctl kill box >/dev/null; fsb-ctl wait box; fsb-ctl system df -v --no-trunc; fsb-ctl system prune -a -A --yes --set-aside --filter until=0s; fsb-ctl system prune -f -q; fsb-ctl container prune -f -q; fsb-ctl system prune --sandboxes -f -q; fsb-ctl list -a -q',
    /^137\nTYPE .*\n(.*\n)*Sandboxes +box +[0-9a-f]{32} +Exited .* yes .*\n(.*\n)*Deleted sandboxes:\ndefault\/box\n\n(.*\n)*Total reclaimed space: .*\n$/,
  ],
  [
    'fsb-ctl doctor --fix',
    /^CHECK .*\nconfiguration +yes .*\nnode +yes/,
    // Where the transport under test leads elsewhere, nothing has made them yet.
    {
      stderr:
        /^(This is about the core of this machine; other commands talk to .*\n(Done: make the directory .*\n){2})?$/,
    },
  ],
  ['fsb-ctl info', /^Client version: (.*\n)*Sandboxes: +1, 1 Running\n/],
];

const tls =
  '--host tls://h:1 -n mine --description why --ca vars --cert vars --key vars --token-file vars --server-name core';
const configuration: TableLine[] = [
  [
    `fsb-ctl context create far ${tls}; fsb-ctl context update far ${tls}; fsb-ctl context show far; fsb-ctl context inspect -f '{{.name}}' far default; fsb-ctl context use far; fsb-ctl context list -q; fsb-ctl context use default; fsb-ctl context rm -f far`,
    /^far\nfar\nName: +far\n(.*\n)+far\ndefault\nfar\ndefault\nfar\ndefault\nfar\n$/,
    // Where the transport under test names its core.
    { stderr: /^(Warning: FSB_HOST overrides .*\n)*$/ },
  ],
  [
    'mkdir -p p/.git; cd p; fsb-ctl config set --project namespace mine; fsb-ctl config get --show-origin namespace; fsb-ctl config unset --project namespace; fsb-ctl config get namespace; fsb-ctl config list -q',
    /^namespace=mine\nproject:\S+config.json\tmine\nnamespace\ndefault\n(\w+\n){7}$/,
  ],
];

/** Of what happened before this command: that is known to a core that stays. */
export const eventLines: TableLine[] = [
  [
    'fsb-ctl stop -t 0 box; fsb-ctl events --all-namespaces --since 1m --until 0s --filter event=stopped',
    /^box\n(\S+Z sandbox stopped +box +image=host\n)+$/,
  ],
  ['fsb-ctl events --no-stream --after 0 --pool default-pool -q', /^(\d+\n){2,}$/],
];

/** Of the daemon that serves the local socket. */
export const daemonLines: TableLine[] = [
  [`${begins('daemon logs -f -n 1')}; cat said; rm said`, /^130\n(\{.*"msg":.*\}\n)+$/],
];

export const tableLines: TableLine[] = [...life, ...guest, ...pools, ...images, ...cores, ...configuration];
