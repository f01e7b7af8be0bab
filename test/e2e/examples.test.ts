import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeManifest } from '../../scripts/build/manifest.ts';
import { commandFacts } from '../../scripts/generate/command-facts.ts';
import type { Plan } from '../helpers/cli/example-plan.ts';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { keys } from '../helpers/cli/terminal-session.ts';
import { writeBusyboxImage } from '../helpers/image/busybox-image.ts';
import { imageExampleRegistry, imagePlans, rootfsTar } from '../helpers/image/image-examples.ts';
import type { TestRegistry } from '../helpers/image/registry/docker-registry.ts';

/** Every example of every command's help, as it stands there, on a real core. */

const make = (name: string, ...flags: string[]): string =>
  `fsb-ctl run ${[name, ...flags].join(' ')} --image host -- sleep 1000`;
const box = make('box');
const redBox = make('box', '-l team=red');
const talker = `fsb-ctl run box --image host -- sh -c 'seq 30; echo broken >&2; exec sleep 1000'`;
const load = (name: string): string => `fsb-ctl image import layout ${name}`;
const ended = [make('box'), make('job'), 'fsb-ctl kill box job', 'fsb-ctl wait box job'];
const noCore = 'fsb-ctl daemon stop';
const selfSigned =
  'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=core -keyout core.key -out core.pem';
const serving: Plan = { given: [noCore], dialogue: [['The core is ready: unix://', keys.ctrlC]] };

/** A reader has the ids in variables. */
const leased = ['$LEASE', '$OTHER'].map((name) => `fsb-ctl pool run --lease > ${name.slice(1)}`);
const noCi = 'fsb-ctl pool delete ci nightly --force || true';
const ci = [noCi, 'fsb-ctl pool create ci --warm host=1'];
const poolPlans: Record<string, Plan> = {
  'fsb-ctl pool create ci --warm host=2 --max 4 --memory 256m': {
    given: [noCi],
    shows: /^NAME .*\nci +active +host=2 /,
  },
  'fsb-ctl pool create -f pool.yaml': {
    given: [noCi, 'echo "{name: nightly, warm: [{image: host, count: 1}]}" > pool.yaml'],
    shows: /\nnightly +active +host=1 /,
  },
  'echo \'{"name": "ci", "warm": [{"image": "host"}]}\' | fsb-ctl pool create -f -': {
    given: [noCi],
    shows: /\nci +active +host=2 /,
  },
  'fsb-ctl pool delete ci': { given: ci, shows: /^ci\n$/ },
  'fsb-ctl pool delete ci nightly --force': {
    given: [...ci, 'fsb-ctl pool create nightly', 'fsb-ctl pool run --lease --pool ci'],
    shows: /^ci\nnightly\n$/,
  },
  'fsb-ctl pool drain ci': { given: ci, shows: /\nci +drained +host=1 +0 +0 / },
  'fsb-ctl pool drain ci --timeout 30s --force': { given: ci, shows: /\nci +drained / },
  'fsb-ctl pool exec $LEASE ls -la /': { given: leased, shows: / usr\n/ },
  'fsb-ctl pool exec -it $LEASE sh': { given: leased, dialogue: [['# ', 'exit\r']] },
  'fsb-ctl pool inspect default-pool': { shows: /^\[\n +\{\n +"name": "default-pool"/ },
  "fsb-ctl pool inspect -f '{{.idle}}' default-pool": { shows: /^\d+\n$/ },
  'fsb-ctl pool get default-pool': { shows: /^Name: +default-pool\nState: +/ },
  'fsb-ctl pool get default-pool -o json': { shows: /"instances": \[/ },
  'fsb-ctl pool leases': { given: leased, shows: /^LEASE .*(\nl[0-9a-f]{16} +default-pool +host .*)+\n$/ },
  'fsb-ctl pool leases -q': { given: leased, shows: /^(l[0-9a-f]{16}\n)+$/ },
  'fsb-ctl pool list': { shows: /^NAME .*(\n.*)*\ndefault-pool +/ },
  'fsb-ctl pool list -q': { shows: /^(.*\n)*default-pool\n/ },
  'fsb-ctl pool release $LEASE': { given: leased, shows: /^l[0-9a-f]{16}\n$/ },
  'fsb-ctl pool release $LEASE $OTHER': { given: leased, shows: /^(l[0-9a-f]{16}\n){2}$/ },
  'fsb-ctl pool run uname -a': { shows: /^Linux .*\n$/ },
  'echo hello | fsb-ctl pool run -i cat': { shows: /^hello\n$/ },
  'fsb-ctl pool run -it --image host sh': { dialogue: [['# ', 'exit\r']] },
  'fsb-ctl pool run --lease': { shows: /^l[0-9a-f]{16}\n$/ },
  'fsb-ctl pool start --image host --size 4': { shows: /\ndefault-pool +active +host=4 +[45] / },
  'fsb-ctl pool start --warm host=2,alpine=2 --max 16': {
    given: [load('alpine')],
    shows: /\ndefault-pool +active +host=2,alpine=2 +\d+ /,
  },
  'fsb-ctl pool start ci --size 3 --memory 256m --no-wait': {
    given: [noCi],
    shows: /\nci +active +host=3 /,
  },
  'fsb-ctl pool stop': { shows: /\ndefault-pool +stopped +host.* +0 / },
  'fsb-ctl pool stop ci --timeout 10s': { given: ci, shows: /\nci +stopped +host=1 +0 / },
  'fsb-ctl pool update default-pool --max 16': { shows: /\ndefault-pool .* 16 / },
  'fsb-ctl pool update default-pool --reset': { shows: /\ndefault-pool / },
};

const webBox = `fsb-ctl run box --image host -- sh -c 'cd /srv && exec python3 -m http.server 80'`;
const guestPlans: Record<string, Plan> = {
  'fsb-ctl cp notes.txt box:/tmp/': { given: [box, 'echo hi > notes.txt'], shows: '' },
  'fsb-ctl cp box:/etc/ssl ./ssl': {
    given: [box, 'rm -rf ssl'],
    shows: '',
    complains: /^Successfully copied .*B to .\/ssl\n$/,
  },
  'fsb-ctl cp job:/tmp/report.txt .': {
    given: [`fsb-ctl run job --image host -- sh -c 'echo fine > /tmp/report.txt'`, 'fsb-ctl wait job'],
    shows: '',
  },
  'fsb-ctl cp box:/etc/ssl - | tar t': { given: [box], shows: /^ssl\/\n/ },
  'fsb-ctl cp -a site/. box:/srv': { given: [box, 'mkdir -p site && echo hi > site/index.html'], shows: '' },
  'fsb-ctl port-forward box 8080:80': {
    given: [webBox],
    dialogue: [['Forwarding from 127.0.0.1:8080 -> 80', keys.ctrlC]],
    code: 130,
  },
  'fsb-ctl port-forward -q box 0:80': {
    given: [webBox],
    dialogue: [[/^\d+\r?\n/, keys.ctrlC]],
    code: 130,
  },
  'fsb-ctl top box': { given: [box], shows: /^UID .* CMD\nroot .* sleep 1000\n$/ },
  'fsb-ctl top box -o json': { given: [box], shows: /"command": "sleep 1000"/ },
};

const mine = 'fsb-ctl config unset output; fsb-ctl context rm -f build other';
const build = [mine, 'fsb-ctl context create build --host ssh://me@build.example.com'];
const configPlans: Record<string, Plan> = {
  'fsb-ctl config get namespace': { shows: 'default\n' },
  'fsb-ctl config get endpoint --show-origin': { shows: 'default\t\n' },
  'fsb-ctl config list': { shows: /^KEY +VALUE +ORIGIN\n(.*\n){7}$/ },
  'fsb-ctl config list -o json': { shows: /"key": "endpoint"/ },
  'fsb-ctl config set output wide': { given: [mine], shows: 'output=wide\n' },
  'fsb-ctl config set --project namespace shop': {
    given: ['mkdir -p p/.git'],
    inside: 'p',
    shows: 'namespace=shop\n',
  },
  'fsb-ctl config unset output': { given: ['fsb-ctl config set output wide'], shows: 'output\n' },
  'fsb-ctl config unset --project namespace': {
    given: ['mkdir -p p/.git; cd p; fsb-ctl config set --project namespace shop'],
    inside: 'p',
    shows: 'namespace\n',
  },
  'fsb-ctl context create build --host ssh://me@build.example.com': { given: [mine], shows: 'build\n' },
  'fsb-ctl context create other --host unix:///tmp/other/run/fsb.sock -n mine': {
    given: [mine],
    shows: 'other\n',
  },
  'fsb-ctl context list': { given: build, shows: /\ndefault \* .*\nbuild +- +ssh:/ },
  'fsb-ctl context list -q': { given: build, shows: 'default\nbuild\n' },
  'fsb-ctl context remove build': { given: build, shows: 'build\n' },
  'fsb-ctl context remove --force build other': { given: build, shows: 'build\n' },
  'fsb-ctl context inspect': { shows: /^\[\n +\{\n +"name": "default"/ },
  "fsb-ctl context inspect -f '{{.endpoint}}' default": { shows: /^unix:\/\// },
  'fsb-ctl context show': { shows: /^Name: +default\n/ },
  'fsb-ctl context show default -o json': { shows: /"name": "default"/ },
  'fsb-ctl context update build --description "Nightly builds"': { given: build, shows: 'build\n' },
  'fsb-ctl context update build -n ""': { given: build, shows: 'build\n' },
  'fsb-ctl context use build': { given: build, shows: 'build\n' },
  'fsb-ctl context use default': { shows: 'default\n' },
};

const plans: Record<string, Plan> = {
  'fsb-ctl run box --image host -- sleep 1000': { shows: /^NAME +ID .*\nbox +[0-9a-f]{12} / },
  'fsb-ctl run job --rm --image host -- uname -a': { shows: /^Linux .*\n$/ },
  'fsb-ctl run shell --rm -it --image host -- sh': { dialogue: [['# ', 'exit\r']] },
  'fsb-ctl run box': {
    dialogue: [['Create sandbox box from image host?', '\r']],
    shows: /box +[0-9a-f]{12} /,
  },
  'fsb-ctl list': { given: [box], shows: /^NAME .*\nbox .* Running / },
  'fsb-ctl list --all -o json': { given: [box], shows: /"name": "box"/ },
  'fsb-ctl list --selector team=red -q': { given: [redBox, make('job')], shows: /^box\n$/ },
  'fsb-ctl list --filter phase=failed --sort-by age': { given: [box], shows: /^NAME .*\n$/ },
  "fsb-ctl list --format '{{.name}}\\t{{.phase}}'": { given: [box], shows: /^box\tRunning\n$/ },
  'fsb-ctl delete box job': { given: [box, make('job')], shows: /^box\njob\n$/ },
  'fsb-ctl delete --force box': { shows: '' },
  'fsb-ctl delete --all --yes': { given: [box], shows: /^(.*\n)*box\n/ },
  'fsb-ctl delete --selector team=red': { given: [redBox, make('job')], shows: /^box\n$/ },
  'fsb-ctl get box': { given: [box], shows: /^Name: +box\n/ },
  'fsb-ctl get box job': { given: [box, make('job')], shows: /^Name: +box\n(.*\n)+\nName: +job\n/ },
  'fsb-ctl get box -o json': { given: [box], shows: /^\{\n +"name": "box"/ },
  'fsb-ctl inspect box': { given: [box], shows: /^\[\n +\{\n +"Id": "[0-9a-f]{32}"/ },
  'fsb-ctl inspect --type image alpine': {
    given: [load('alpine')],
    shows: /^\[\n +\{\n +"Id": (.*\n)* +"references": \[\n(.*\n)* +"docker.io\/library\/alpine/,
  },
  "fsb-ctl inspect -f '{{.State.Running}}' box": { given: [box], shows: /^true\n$/ },
  'fsb-ctl logs -f box': { given: [talker], dialogue: [['30', keys.ctrlC]], code: 130 },
  'fsb-ctl logs -n 20 -t box': { given: [talker], shows: /^(\d{4}-\d\d-\S+ \d+\n){19,20}$/ },
  'fsb-ctl logs --stderr --since 10m box': { given: [talker], shows: '', complains: 'broken\n' },
  'fsb-ctl exec box ls -la /': { given: [box], shows: / usr\n/ },
  'fsb-ctl exec -it box sh': { given: [box], dialogue: [['# ', 'exit\r']] },
  'echo hello | fsb-ctl exec -i box cat': { given: [box], shows: /^hello\n$/ },
  'fsb-ctl stop box job': { given: [box, make('job')], shows: /^box\njob\n$/ },
  'fsb-ctl stop -t 2 box': { given: [box], shows: /^box\n$/ },
  'fsb-ctl start box job': { given: ended, shows: /^box\njob\n$/ },
  'fsb-ctl start --attach job': {
    given: [`fsb-ctl run job --image host -- sh -c 'echo done; exit 3' && fsb-ctl wait job`],
    shows: /^done\n$/,
    code: 3,
  },
  'fsb-ctl restart box': { given: [box], shows: /^box\n$/ },
  'fsb-ctl restart --grace 2s box': { given: [box], shows: /^box\n$/ },
  'fsb-ctl reset box': { given: [box], shows: /^box\n$/ },
  'fsb-ctl reset -t 0 box job': { given: [box, make('job')], shows: /^box\njob\n$/ },
  'fsb-ctl pause box': { given: [box], shows: /^box\n$/ },
  'fsb-ctl pause box job': { given: [box, make('job')], shows: /^box\njob\n$/ },
  'fsb-ctl unpause box': { given: [box, 'fsb-ctl pause box'], shows: /^box\n$/ },
  'fsb-ctl unpause box job': { given: [box, make('job'), 'fsb-ctl pause box job'], shows: /^box\njob\n$/ },
  'fsb-ctl kill box': { given: [box], shows: /^box\n$/ },
  'fsb-ctl kill -s HUP box': { given: [box], shows: /^box\n$/ },
  'fsb-ctl wait job': { given: [make('job'), 'fsb-ctl kill job'], shows: /^137\n$/ },
  'fsb-ctl wait job box -o json': { given: [...ended], shows: /"exit_code": 137/ },
  'fsb-ctl attach shell': {
    given: [`fsb-ctl run shell -d -it --image host -- sh`],
    dialogue: [
      ['', '\r'],
      ['# ', 'exit\r'],
    ],
  },
  'fsb-ctl attach --no-stdin --no-sig-proxy box': {
    given: [`fsb-ctl run box --image host -- sh -c 'while :; do echo on; sleep 0.1; done'`],
    dialogue: [['on', keys.ctrlC]],
    code: 130,
  },
  'fsb-ctl rename box crate': { given: [box], shows: /^crate\n$/ },
  'fsb-ctl rename --namespace team box crate': {
    given: [make('box', '--namespace team')],
    shows: /^crate\n$/,
  },
  'fsb-ctl update box --ttl 1h': { given: [box], shows: /^box\n$/ },
  'fsb-ctl update box --label team=blue --label owner- --memory 1g': { given: [redBox], shows: /^box\n$/ },
  'fsb-ctl update --ttl none box job': { given: [box, make('job')], shows: /^box\njob\n$/ },
  ...guestPlans,
  ...imagePlans,
  ...poolPlans,
  ...configPlans,
  'fsb-ctl events': {
    meanwhile: 'fsb-ctl run job --rm --image host -- true',
    dialogue: [[/ sandbox exited +job +code=0 /, keys.ctrlC]],
    code: 130,
  },
  'fsb-ctl events --after 0 --pool default-pool -o json': {
    dialogue: [['{"seq":1,', keys.ctrlC]],
    code: 130,
  },
  'fsb-ctl events --no-stream --all': { shows: /^\S+ pool +created +default-pool +i[0-9a-f]{16}$/m },
  'fsb-ctl stats': { given: [box], dialogue: [[/box +\d+\.\d\d% /, keys.ctrlC]], code: 130 },
  'fsb-ctl stats --no-stream -o json box': { given: [box], shows: /^\{"name":"box",.*"cpu_percent":\d/ },
  'fsb-ctl events --since 1h --no-stream --filter event=exited --filter label=team=red': {
    given: ['fsb-ctl run job --rm --label team=red --image host -- true'],
    shows: /^\S+ sandbox exited +job +code=0 image=host\n$/,
  },
  'source <(fsb-ctl completion bash)': { shows: '' },
  'fsb-ctl completion fish > ~/.config/fish/completions/fsb-ctl.fish': {
    given: ['mkdir -p ~/.config/fish/completions'],
    shows: '',
  },
  'fsb-ctl completion zsh': { shows: /^#compdef fsb-ctl fsb\n/ },
  'fsb-ctl pool status': { shows: /host/ },
  'fsb-ctl pool status --watch': { dialogue: [['host', keys.ctrlC]], code: 130 },
  'fsb-ctl pool status -o json': { shows: /"host"/ },
  'fsb-ctl daemon logs -n 20': { shows: /"msg":"ready"/ },
  'fsb-ctl daemon logs -f': { dialogue: [['INFO  ready', keys.ctrlC]], code: 130 },
  'fsb-ctl daemon restart': { shows: /running: +true/ },
  'fsb-ctl daemon restart --max 32': { shows: /running: +true/ },
  'fsb-ctl daemon start': { given: [noCore], shows: /running: +true/ },
  'fsb-ctl daemon start --warm host=4 --max 32': { given: [noCore], shows: /running: +true/ },
  'fsb-ctl daemon status': { shows: /running: +true/ },
  'fsb-ctl daemon status -o json': { shows: /"running": true/ },
  'fsb-ctl daemon stop': { shows: '' },
  'fsb-ctl daemon stop --root /tmp/other': {
    given: ['fsb-ctl daemon start --root /tmp/other --warm host=0'],
    shows: '',
  },
  'fsb-ctl doctor': { shows: /^CHECK .*\nconfiguration +yes .*\nnode +yes / },
  'fsb-ctl doctor -o json': { shows: /"ok": true/ },
  'fsb-ctl doctor --fix': { shows: /^CHECK .*\nconfiguration +yes .*\nnode +yes / },
  'fsb-ctl info': { shows: /^Client version: [\s\S]*\nSandboxes: +0\n/ },
  'fsb-ctl info -o json': { shows: /"phases": \{/ },
  'fsb-ctl system df': { shows: /^TYPE +TOTAL .*\nImages +\d/ },
  'fsb-ctl system df -v': { given: [box], shows: /\nSandboxes +box / },
  "fsb-ctl system df --format '{{.type}} {{.reclaimable_bytes}}'": { shows: /^images \d+\nsandboxes \d+\n/ },
  'fsb-ctl system prune --force': {
    given: ended,
    shows: /^Deleted sandboxes:\ndefault\/box\ndefault\/job\n(.*\n)*Total reclaimed space: /,
  },
  'fsb-ctl system prune --sandboxes --force': {
    given: ended,
    shows: /^Deleted sandboxes:\ndefault\/box\ndefault\/job\n\nTotal reclaimed space: .*\n$/,
  },
  'fsb-ctl system prune --all -A --force --filter until=24h': { shows: /Total reclaimed space: .*\n$/ },
  'fsb-ctl serve': serving,
  'fsb-ctl serve --warm host=4 --max 32': serving,
  'FSB_ROOT=/tmp/other fsb-ctl serve --http off --metrics off': serving,
  'fsb-ctl serve --tls-cert core.pem --tls-key core.key --generate-token': {
    ...serving,
    given: [noCore, selfSigned],
  },
  'fsb-ctl version': { shows: /^fsb-ctl: .*\n.*core/ },
  'fsb-ctl version -o json': { shows: /"client"|"fsb-ctl"/ },
};

const commands = commandFacts(await makeManifest(resolve(import.meta.dirname, '../..')));
const examples = commands.flatMap((command) => command.examples.map((example) => example.command));

let shell: Shell;
let registry: TestRegistry;

beforeAll(async () => {
  shell = await makeShell();
  shell.env.EDITOR = 'sed -i s/infinity/1000/';
  const files = await writeBusyboxImage(shell.home, { name: 'docker.io/library/alpine:latest' });
  await shell.succeed(`mv ${files.dockerSave} alpine.tar && mv ${files.ociLayout} layout`);
  await writeFile(join(shell.home, 'rootfs.tar'), await rootfsTar());
  registry = await imageExampleRegistry(shell.cli.root);
  await shell.cli.lend(registry.address);
});

afterAll(async () => {
  await shell.run(here('fsb-ctl daemon stop --root /tmp/other'));
  await registry.stop();
  expect(await shell.cli.close()).toEqual([]);
});

/** Somebody's real core may live in /tmp/other, and a registry at localhost:5000; ids are in files. */
const here = (line: string): string =>
  line
    .replaceAll('/tmp/other', join(shell.home, 'other'))
    .replaceAll('localhost:5000', registry.address)
    .replaceAll(/\$(LEASE|OTHER)/g, (_, file) => `$(cat ${file})`);

/** Runs a command line again and again. */
function over(line: string): { stop: () => void; ended: Promise<void> } {
  let going = true;
  const run = async (): Promise<void> => {
    while (going) await shell.succeed(line);
  };
  return {
    stop: () => {
      going = false;
    },
    ended: run(),
  };
}

async function perform(
  line: string,
  { inside = '.', dialogue, meanwhile, shows, complains, code = 0 }: Plan,
): Promise<void> {
  if (dialogue === undefined) {
    const outcome = await shell.run(`cd ${inside}; ${here(line)}`);
    expect(outcome.code).toBe(code);
    if (typeof complains === 'string') expect(outcome.stderr).toBe(complains);
    else expect(outcome.stderr).toMatch(complains ?? /^/);
    if (typeof shows === 'string') expect(outcome.stdout).toBe(shows);
    else expect(outcome.stdout).toMatch(shows ?? /./);
    return;
  }
  const session = shell.open(here(line));
  const beside = meanwhile === undefined ? undefined : over(meanwhile);
  for (const [sees, types] of dialogue) {
    await session.sees(sees).finally(() => beside?.stop());
    session.type(types);
  }
  await beside?.ended;
  expect(await session.end()).toEqual({ code, restored: true });
  expect(session.text).toMatch(shows ?? /./);
}

describe('every example', () => {
  let before = '';
  /** What made all that is there now; undefined when an example may have changed it. */
  let standing: string[] | undefined;

  /** Each is a program to start: only what the one before can have left is looked for. */
  async function forget(): Promise<void> {
    if (/context/.test(before)) await shell.succeed('fsb-ctl context use default');
    if (/fsb-ctl run /.test(before)) await shell.succeed('fsb-ctl delete --all --force');
    if (/--namespace team/.test(before)) await shell.succeed('fsb-ctl delete --all --force --namespace team');
    if (/--lease|LEASE/.test(before))
      await shell.succeed('fsb-ctl pool leases -q | xargs -r fsb-ctl pool release');
  }

  /** Leaves all as it is: the next one that is given the same finds it there. */
  const looks = (example: string): boolean =>
    /fsb-ctl (get|list|logs|exec|top|stats|port-forward|pool (exec|leases)|context (list|show)) ?/.test(
      example,
    );

  it('has a plan, and every plan is for an example', () => {
    expect(Object.keys(plans).sort()).toEqual([...new Set(examples)].sort());
  });

  /** About the daemon, or what there is for who names no core. */
  const isLocal = (example: string): boolean =>
    /^fsb-ctl (daemon|doctor|context (list|show|inspect)$|config get endpoint)/.test(example);
  /** About what other commands have done, or do meanwhile. */
  const needsResident = (example: string): boolean =>
    /^fsb-ctl events/.test(example) || plans[example]?.meanwhile !== undefined;
  const others = examples.filter((example) => !isLocal(example));
  // Longer than a pool waits for a boot that does not come, so that its reason is heard; in a crowd one was late, for a reason
  // that nobody has found yet.
  const patience = { timeout: 150_000, retry: 1 };
  const usual = others.filter((example) => !needsResident(example));
  const ofPools = (example: string): boolean =>
    /\bpool\b/.test([example, ...(plans[example]?.given ?? [])].join());
  let last = '';
  it.each(usual.filter(ofPools))('%s', patience, async (example) => {
    if (example === last) process.stderr.write(`Once more, for it failed: ${example}\n`);
    last = example;
    await runs(example);
  });
  it.each(usual.filter((example) => !ofPools(example)))('%s', { timeout: 150_000 }, runs);
  onlyOver(['unix', 'tls'], 'an embedded core is alone').it.each(others.filter(needsResident))('%s', runs);
  onlyOver(['unix'], 'the daemon, and the context of who names no core').it.each(examples.filter(isLocal))(
    '%s',
    runs,
  );

  async function runs(example: string): Promise<void> {
    const plan = plans[example];
    if (plan === undefined) throw new Error(`no plan says how to run the example: ${example}`);
    const { given = [] } = plan;
    const isThere = given.length > 0 && isDeepStrictEqual(given, standing);
    standing = undefined;
    if (!isThere) await forget();
    before = [example, ...given].join('\n');
    if (!isThere) for (const line of given) await shell.succeed(here(line));
    await perform(example, plan);
    if (looks(example)) standing = given;
  }
});
