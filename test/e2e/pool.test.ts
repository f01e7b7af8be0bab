import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policyFlags } from '../../src/cli/pool/policy-flags.ts';
import { mergePolicy, type PoolPolicyInput } from '../../src/core/model/pool/pool-policy.ts';
import type { PoolShapeView } from '../../src/core/view/pool-shape-view.ts';
import type { PoolDetailsView } from '../../src/core/view/pool-view.ts';
import type { Outcome } from '../helpers/cli/cli-root.ts';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { keys } from '../helpers/cli/terminal-session.ts';
import { writeBusyboxImage } from '../helpers/image/busybox-image.ts';

/** The warm pool as a user meets it: the production binary, a core that its first command starts, real instances. */

let shell: Shell;
const fsb = (args: string[], input?: string): Promise<Outcome> => shell.cli.fsb(args, { input });
const poolOf = async (name: string): Promise<PoolDetailsView> =>
  JSON.parse((await fsb(['pool', 'get', name, '-o', 'json'])).stdout);

beforeAll(async () => {
  shell = await makeShell();
});

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

/** What a long-lived command has written, and the way to wait for more of it. */
function listen(child: ChildProcess): { until(part: RegExp): Promise<RegExpExecArray> } {
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const find = async (part: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = part.exec(text);
      if (found !== null) return found;
      await once(child.stdout!, 'data');
    }
  };
  return { until: find };
}

/** Does something while the events are read, and resolves when one has come that matches. */
async function untilEvent(part: RegExp, act: () => unknown): Promise<void> {
  const child = shell.cli.start(['events', '--all', '--after', '0']);
  const ended = once(child, 'close');
  const events = listen(child);
  // What happened before is told first, so the stream is open when this is seen.
  await events.until(/ default-pool /);
  await act();
  await events.until(part);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
}

/** Those of the default pool, as soon as there is one: it may just be making up for what was used. */
async function idleInstances(): Promise<PoolDetailsView['instances']> {
  for (;;) {
    const { instances } = await poolOf('default-pool');
    const idle = instances.filter(({ state }) => state === 'idle');
    if (idle.length > 0) return idle;
    await delay(50);
  }
}

onlyOver(['unix'], 'no command starts a core that is elsewhere, and an embedded one has no status').describe(
  'before a core runs',
  () => {
    it('the status is empty, a stop is done, and neither starts one', async () => {
      expect(await fsb(['pool', 'status', '-o', 'json'])).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
      expect(await fsb(['pool', 'status'])).toEqual({ code: 0, stdout: '', stderr: 'No core is running.\n' });
      expect(await fsb(['pool', 'stop'])).toEqual({ code: 0, stdout: '', stderr: 'No core is running.\n' });
      const { stdout } = await fsb(['daemon', 'status', '-o', 'json']);
      expect(JSON.parse(stdout)).toMatchObject({ running: false });
    });

    it.each([
      ['serve', 'Error: '],
      ['daemon start', 'Error: cannot start the core: '],
    ])('%s keeps warm what is here only, and names the command that pulls', async (start, prefix) => {
      const { code, stdout, stderr } = await fsb([...start.split(' '), '--warm', 'host,a.invalid/tools:1=2']);
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toBe(
        `${prefix}image a.invalid/tools:1 is not here, and a core that starts does not pull\n` +
          'Hint: Start it without --warm; this pulls first: fsb-ctl pool start --warm host,a.invalid/tools:1=2\n',
      );
      expect(await fsb(['pool', 'status'])).toMatchObject({ code: 0, stderr: 'No core is running.\n' });
    });

    it('daemon start takes every flag of the policy as it was typed', async () => {
      const flags =
        '--warm host=1 --size 1 --max 9 --ttl 90s --on-empty wait --pause-idle --lease-ttl 2h --cpus 0.5';
      await shell.succeed(`fsb-ctl daemon start ${flags} --http off`);
      const { policy } = await poolOf('default-pool');
      expect(policy).toMatchObject({
        warm: [{ image: 'host', count: 1 }],
        ...{ ttl: '1m30s', on_empty: 'wait', pause_idle: true, lease_ttl: '2h' },
        ...{ capacity: { max: 9 }, resources: { cpus: 0.5 } },
      });
      await shell.succeed('fsb-ctl daemon stop');
    });
  },
);

describe('two warm images', () => {
  beforeAll(async () => {
    const { ociLayout } = await writeBusyboxImage(shell.home);
    await shell.succeed(`fsb-ctl image import ${ociLayout} tools:1`);
  });

  it('are ready when pool start says so', async () => {
    const line =
      'fsb-ctl pool start --warm host=2,tools:1=2 --max 12 --on-empty boot --no-pause-idle --cpus 1';
    const { code, stdout, stderr } = await shell.run(line);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/\ndefault-pool +active +host=2,tools:1=2 +\d /),
    ]);
    expect(stderr).toMatch(/^(Warming .*\n)+Pool default-pool is warm after \d+\.\ds\.\n$/);
    expect(stderr).toMatch(/ host 2\/2, tools:1 2\/2\nPool/);
    const rows: PoolShapeView[] = JSON.parse((await fsb(['pool', 'status', '-o', 'json'])).stdout);
    const warm = rows.filter((row) => row.warm > 0);
    expect(warm.map(({ image }) => image).sort()).toEqual(['docker.io/library/tools:1', 'host']);
    for (const { idle } of warm) expect(idle).toBeGreaterThanOrEqual(2);
  });

  it('run commands as exec does', async () => {
    const sh = (script: string, ...flags: string[]) => fsb(['pool', 'run', ...flags, 'sh', '-c', script]);
    expect(await sh('echo out; echo err >&2; exit 7')).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    expect((await sh('kill -9 $$')).code).toBe(137);
    expect((await fsb(['pool', 'run', 'no-such-command'])).code).toBe(127);
    expect((await fsb(['pool', 'run', '--timeout', '2s', 'sleep', '60'])).code).toBe(124);
    expect((await sh('wc -c', '-i')).stdout).toBe('0\n');
    expect((await fsb(['pool', 'run', '-i', 'cat'], 'through')).stdout).toBe('through');
    expect((await sh('echo $A; pwd', '--image', 'tools:1', '-e', 'A=b', '-w', '/tmp')).stdout).toBe(
      'b\n/tmp\n',
    );
    expect((await fsb(['pool', 'run', 'echo', '--help', '-q', '--'])).stdout).toBe('--help -q --\n');
  });

  it('serve a hundred commands, twenty at once, while idle instances are killed behind their back', {
    timeout: 180_000,
  }, async () => {
    for (let round = 0; round < 5; round += 1) {
      const idle = await idleInstances();
      for (const { pid } of idle) process.kill(pid, 'SIGKILL');
      const numbers = Array.from({ length: 20 }, (_, index) => `${round}-${index}`);
      const image = (index: number): string => (index % 2 === 0 ? 'host' : 'tools:1');
      const outcomes = await Promise.all(
        numbers.map((number, index) => fsb(['pool', 'run', '--image', image(index), 'echo', number])),
      );
      expect(outcomes).toEqual(numbers.map((number) => ({ code: 0, stdout: `${number}\n`, stderr: '' })));
    }
  });

  it('exit with 5 when nothing comes in time, with 124 at --timeout, and leave no waiter', async () => {
    await shell.succeed('fsb-ctl pool create tiny --warm host=1 --max 1');
    const { stdout: id } = await fsb(['pool', 'run', '--lease', '--pool', 'tiny']);
    const run = (...flags: string[]) => fsb(['pool', 'run', '--pool', 'tiny', ...flags, 'true']);
    expect((await run('--on-empty', 'fail')).code).toBe(5);
    expect((await run('--wait', '200ms')).code).toBe(5);
    expect((await run('--timeout', '200ms')).code).toBe(124);
    expect((await poolOf('tiny')).waiting).toBe(0);
    expect((await fsb(['pool', 'release', id.trim()])).stdout).toBe(id);
    expect((await run()).code).toBe(0);
    expect((await fsb(['pool', 'delete', 'tiny', '--force'])).stdout).toBe('tiny\n');
  });

  it('give the instance back of a caller that was killed', async () => {
    const child = shell.cli.start(['pool', 'run', 'sh', '-c', 'echo up; exec sleep 600']);
    await listen(child).until(/up/);
    const { instances } = await poolOf('default-pool');
    const used = instances.find(({ state }) => state === 'claimed')!;
    await untilEvent(new RegExp(` destroyed +\\S+ +${used.id} `), () => child.kill('SIGKILL'));
    expect((await poolOf('default-pool')).claimed).toBe(0);
  });
});

describe('a sandbox of a named pool', () => {
  it('is held by it, and a name that is nearly right is told', async () => {
    await shell.succeed('fsb-ctl pool create red --warm host=1 --memory 128m');
    await shell.succeed('fsb-ctl run box --pool red --image host -- sleep 1000');
    const { instances } = await poolOf('red');
    expect(instances.map(({ holder }) => holder)).toContain('sandbox default/box');
    expect((await fsb(['pool', 'delete', 'red'])).code).toBe(4);
    const { code, stderr } = await fsb(['run', 'other', '--pool', 'rde', '--image', 'host', '--', 'true']);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/rde.*\nHint: Did you mean red\?/)]);
    expect((await fsb(['pool', 'delete', 'red', '--force'])).code).toBe(0);
    await shell.succeed('fsb-ctl delete box --force');
  });
});

describe('a lease', () => {
  it('keeps what was made in it, from command to command, until it is released', async () => {
    const script = `set -eu
      lease=$(fsb-ctl pool run --lease)
      fsb-ctl pool exec "$lease" -w /work sh -c 'echo kept > file'
      fsb-ctl pool exec "$lease" cat /work/file
      fsb-ctl pool leases -q | grep -x "$lease" > /dev/null
      fsb-ctl pool release "$lease" > /dev/null
      fsb-ctl pool exec "$lease" true || echo "code $?"`;
    const { code, stdout, stderr } = await shell.run(script);
    expect([code, stdout]).toEqual([0, 'kept\ncode 3\n']);
    expect(stderr).toMatch(/^Error: lease l[0-9a-f]{16} does not exist\nHint: /);
  });

  it('is reclaimed when nothing ran in it for its ttl', async () => {
    const lease = ['pool', 'run', '--lease', '--lease-ttl', '300ms', '-o', 'json'];
    const { id, instance } = JSON.parse((await fsb(lease)).stdout);
    await untilEvent(new RegExp(` destroyed +\\S+ +${instance} `), () => {});
    expect((await fsb(['pool', 'exec', id, 'true'])).code).toBe(3);
  });
});

describe('on a terminal', () => {
  it('pool run is a shell of its own, and its end is ours', async () => {
    const session = shell.open('fsb-ctl pool run -it -- bash');
    await session.sees('# ');
    session.type("stty size; sh -c 'echo slee\\ping; exec sleep 600'\r");
    await session.sees('31 97');
    await session.sees('sleeping');
    session.type(keys.ctrlC);
    await session.sees('# ');
    session.type('exit 6\r');
    expect(await session.end()).toEqual({ code: 6, restored: true });
  });

  it('ctrl-C ends a command, and 130 says so', async () => {
    const session = shell.open('fsb-ctl pool run sh -c "echo up; exec sleep 600"');
    await session.sees('up');
    session.type(keys.ctrlC);
    expect(await session.end()).toEqual({ code: 130, restored: true });
  });

  it('pool start draws one line that tells how far it is, and ctrl-C ends the waiting only', async () => {
    const policy = {
      name: 'slow',
      warm: [{ image: 'host', count: 2 }],
      warmup: ['sleep', '600'],
      boot_timeout: '10m',
    };
    await writeFile(join(shell.home, 'slow.json'), JSON.stringify(policy));
    await shell.succeed('fsb-ctl pool create -f slow.json');
    const session = shell.open('fsb-ctl pool start slow');
    await session.sees('\r\u001b[KWarming slow: host 0/2');
    session.type(keys.ctrlC);
    expect(await session.end()).toEqual({ code: 130, restored: true });
    expect(session.text).toContain('Pool slow goes on warming');
    expect((await poolOf('slow')).state).toBe('active');
    expect((await fsb(['pool', 'delete', 'slow', '--force'])).code).toBe(0);
  });
});

describe('what cannot become warm', () => {
  it('ends pool start with the reason: boots that fail', async () => {
    const policy = { name: 'sick', warm: [{ image: 'host', count: 1 }], warmup: ['sh', '-c', 'exit 9'] };
    await shell.run(`echo '${JSON.stringify(policy)}' | fsb-ctl pool create -f -`);
    const { code, stdout, stderr } = await fsb(['pool', 'start', 'sick']);
    expect([code, stdout]).toEqual([125, '']);
    expect(stderr).toMatch(/^Error: cannot warm pool sick: image host: .*\nHint: .*--reset/m);
    expect((await fsb(['pool', 'status', 'sick'])).stdout).toMatch(/BREAKER\nsick +host /);
    expect((await fsb(['pool', 'delete', 'sick', '--force'])).code).toBe(0);
  });

  it('ends pool start with the reason: an image that is not here', async () => {
    const { code, stderr } = await fsb(['pool', 'start', '--image', 'hots', '--pull', 'never']);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/^Error: .*hots.*\nHint: Did you mean host\?/)]);
  });
});

describe('the policy of a pool', () => {
  const said: [flags: string, policy: Record<string, unknown>][] = [
    ['--max 9', { capacity: { max: 9 } }],
    ['--buffer-min 0', { capacity: { buffer_min: 0 } }],
    ['--buffer-max 5', { capacity: { buffer_max: 5 } }],
    ['--memory-budget 4g', { memory_budget: 4 * 1024 ** 3 }],
    ['--ttl 90s', { ttl: '1m30s' }],
    ['--max-age 2d', { max_age: '2d' }],
    ['--on-empty wait', { on_empty: 'wait' }],
    ['--queue-timeout 20s', { queue: { timeout: '20s' } }],
    ['--reuse sticky', { reuse: 'sticky' }],
    ['--pause-idle', { pause_idle: true }],
    ['--cpus 0.5', { resources: { cpus: 0.5 } }],
    ['--memory 128m', { resources: { memory: 128 * 1024 ** 2 } }],
    ['--pids 99', { resources: { pids: 99 } }],
    ['--disk 64m', { resources: { disk: 64 * 1024 ** 2 } }],
    ['--lease-ttl 2h', { lease_ttl: '2h' }],
    ['--no-pause-idle', { pause_idle: false }],
    // Last: what is warm would be booted anew after each of the others.
    ['--warm host=1', { warm: [{ image: 'host', count: 1 }] }],
    ['--warm host=1 --min 1', { warm: [{ image: 'host', count: 1 }], capacity: { min: 1 } }],
    ['--image host --size 0 --min 0', { warm: [{ image: 'host', count: 0 }], capacity: { min: 0 } }],
  ];
  type Policy = PoolDetailsView['policy'];
  let plain: Policy;
  let before: Policy;

  const policyOf = async (name: string): Promise<Policy> => (await poolOf(name)).policy;
  /** The policy with this, and with nothing else of it changed. */
  const changed = (policy: Policy, change: Record<string, unknown>, name = policy.name): Policy => ({
    ...(mergePolicy(policy as PoolPolicyInput, change) as Policy),
    name,
  });

  beforeAll(async () => {
    await shell.succeed('fsb-ctl pool create plain');
    plain = before = await policyOf('plain');
  });
  afterAll(() => shell.succeed('fsb-ctl pool delete plain --force'));

  it.each(said)(
    'has from create and update what %s says, and nothing else is changed',
    async (flags, change) => {
      const made = await shell.run(`fsb-ctl pool create made -q ${flags}`);
      expect(made).toEqual({ code: 0, stdout: 'made\n', stderr: '' });
      expect(await policyOf('made')).toEqual(changed(plain, change, 'made'));
      const updated = await shell.run(
        `fsb-ctl pool delete made -q --force; fsb-ctl pool update plain -q ${flags}`,
      );
      expect(updated).toEqual({ code: 0, stdout: 'made\nplain\n', stderr: '' });
      const after = await policyOf('plain');
      expect(after).toEqual(changed(before, change));
      before = after;
    },
  );

  it('has no other flag', () => {
    const words = said.flatMap(([flags]) => flags.split(' '));
    for (const name of Object.keys(policyFlags)) expect(words).toContain(`--${name}`);
  });
});

describe('pools over the life of a core', () => {
  it('are kept, with what was said, and drained or stopped as they were', async () => {
    await shell.succeed('fsb-ctl pool create kept --warm host=1 --max 3 && fsb-ctl pool stop kept -q');
    await shell.cli.restartCore();
    expect(await poolOf('kept')).toMatchObject({
      state: 'stopped',
      idle: 0,
      policy: { capacity: { max: 3 } },
    });
    expect((await fsb(['pool', 'start', 'kept'])).stdout).toMatch(/\nkept +active +host=1 +[12] /);
    expect((await fsb(['pool', 'drain', 'kept'])).stdout).toMatch(/\nkept +drained +host=1 +0 +0 /);
    expect((await fsb(['pool', 'run', '--pool', 'kept', 'true'])).code).toBe(4);
    expect((await fsb(['pool', 'delete', 'kept'])).code).toBe(0);
  });

  it('a reader of the events is told that the core has gone', async () => {
    const child = shell.cli.start(['events', '--all', '--after', '0']);
    const ended = once(child, 'close');
    let stderr = '';
    child.stderr!.on('data', (text) => (stderr += text));
    await listen(child).until(/ default-pool /);
    await shell.cli.restartCore();
    expect([await ended, stderr]).toEqual([[6, null], expect.stringMatching(/^Error: .*\n/)]);
  });
});
