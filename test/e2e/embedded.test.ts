import { once } from 'node:events';
import { readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { traces } from '../helpers/core/traces.ts';
import { ownPort } from '../helpers/own-port.ts';

/** No daemon: the core lives in the command's own process. */

let shell: Shell;

beforeAll(async () => {
  shell = await makeShell();
  shell.env.FSB_HOST = 'embedded:';
});

afterAll(async () => {
  delete shell.env.FSB_HOST;
  await shell.run('fsb-ctl daemon stop');
  expect(await shell.cli.close()).toEqual([]);
});

const counting = 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done';
const running = async (): Promise<boolean> =>
  JSON.parse(await shell.succeed('fsb-ctl daemon status -o json')).running;

describe('a core in the process of the command', () => {
  it('runs a command and leaves nothing: no core, nothing idle', async () => {
    expect(await shell.run(`fsb-ctl run job --rm --image host -- sh -c 'echo out; exit 7'`)).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: '',
    });
    expect(await running()).toBe(false);
    expect(await traces(shell.cli.root)).toEqual([]);
  });

  it('lets its sandboxes live on, and the next one takes them up', async () => {
    await shell.succeed(`fsb-ctl run box --image host -- sh -c '${counting}'`);
    expect(await shell.succeed('fsb-ctl list -q')).toBe('box\n');
    expect(await shell.succeed('echo in | fsb-ctl exec -i box cat')).toBe('in\n');
    const lines = (await shell.succeed('fsb-ctl logs box')).trimEnd().split('\n');
    expect(lines).toEqual(lines.map((_, i) => `line ${i}`));
    expect(lines.length).toBeGreaterThan(2);
    expect(await readdir(join(shell.cli.root, 'run/i'))).toHaveLength(1);
  });

  it('ends by a signal to its whole group as by any other', async () => {
    const { code } = await shell.run('timeout --preserve-status -s USR1 2 fsb-ctl wait box');
    expect(code).toBe(138);
  });

  it('says so when it has no right to its root any more', async () => {
    const helper = '$(cat /proc/$client/task/$client/children)';
    const line = `fsb-ctl wait box & client=$!; until kill -9 ${helper}; do sleep 0.1; done 2>/dev/null; wait $client`;
    const { code, stderr } = await shell.run(line);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Error: the lock of \S+ was lost, so this command has ended\nHint: .*fsb-ctl list\n$/,
    );
    expect(await shell.succeed('fsb-ctl list -q')).toBe('box\n');
  });

  it('gives way to a daemon, which takes them up, and back', async () => {
    expect(await shell.succeed('FSB_HOST= fsb-ctl list -q')).toBe('box\n');
    const refused = await shell.run('fsb-ctl list');
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toMatch(
      /^Error: cannot run an embedded core on \S+: a core runs there already \(pid \d+\)\nHint: .*fsb-ctl daemon stop\n$/,
    );
    await shell.succeed('fsb-ctl daemon stop');
    const lines = (await shell.succeed('fsb-ctl logs box')).trimEnd().split('\n');
    expect(lines).toEqual(lines.map((_, i) => `line ${i}`));
  });

  it('waits for its turn', async () => {
    const echo = (i: number): string => `fsb-ctl exec box echo ${i}`;
    const outcomes = await Promise.all([1, 2, 3, 4].map((i) => shell.run(echo(i))));
    expect(outcomes).toEqual([1, 2, 3, 4].map((i) => ({ code: 0, stdout: `${i}\n`, stderr: '' })));
  });

  it('may have a root of its own', async () => {
    const other = join(shell.cli.root, 'other');
    expect(await shell.succeed(`fsb-ctl --host embedded:${other} list -q`)).toBe('');
    expect(await traces(other)).toEqual([]);
  });

  it('has a terminal; ctrl-C ends a command in order', async () => {
    const session = shell.open('fsb-ctl exec -it box sh');
    await session.sees('# ');
    session.type('exit 3\r');
    expect(await session.end()).toEqual({ code: 3, restored: true });
    const follow = shell.open('fsb-ctl logs -f box');
    await follow.sees(/line \d+/);
    follow.type('\u0003');
    expect((await follow.end()).code).toBe(130);
    expect(await shell.succeed('fsb-ctl delete -f box')).toBe('box\n');
    expect(await traces(shell.cli.root)).toEqual([]);
  });
});

describe('doctor --fix', () => {
  const doctor = (flags = '') => shell.run(`FSB_HOST= fsb-ctl doctor ${flags}`);
  const clean = 'clean up what a dead core has left: fsb.sock, http.sock, core.json';

  it('touches nothing of a core that runs', async () => {
    await shell.succeed(`FSB_HOST= fsb-ctl run box --image host -- sh -c '${counting}'`);
    expect(await doctor('--fix')).toMatchObject({ code: 0, stderr: '' });
    expect(await running()).toBe(true);
  });

  it('says what it would do, and does it: a killed core, and sandboxes that died with it', async () => {
    await shell.succeed('FSB_HOST= fsb-ctl run dead --image host -- sleep 1000');
    const pools = await shell.succeed('FSB_HOST= fsb-ctl pool get default-pool -o json');
    const { instances } = JSON.parse(pools) as { instances: { pid: number; holder: string | null }[] };
    await shell.cli.killCore();
    process.kill(instances.find(({ holder }) => holder?.endsWith('/dead'))!.pid, 'SIGKILL');
    await expect.poll(async () => (await doctor()).stderr).toBe(`With --fix: ${clean}, 1 dead instance\n`);
    expect((await doctor('--fix')).stderr).toMatch(/^Done: clean up .*1 dead instance\n$/);
    expect((await doctor()).stderr).toBe('');
    expect(await readdir(join(shell.cli.root, 'run/i'))).toHaveLength(1);
    expect(await shell.succeed('fsb-ctl list -a -o json')).toMatch(/"name": "box"[\s\S]*"name": "dead"/);
    expect((await shell.run('fsb-ctl exec box true')).code).toBe(0);
  });

  it('makes what is missing', async () => {
    await shell.succeed('fsb-ctl delete --all -f');
    const root = join(shell.home, 'new');
    expect(await shell.run(`FSB_ROOT=${root} fsb-ctl doctor`)).toMatchObject({ code: 0, stderr: '' });
    const { stderr } = await shell.run(`FSB_ROOT=${root} fsb-ctl doctor --fix`);
    expect(stderr).toBe(`Done: make the directory ${root}/state\nDone: make the directory ${root}/run\n`);
    expect((await readdir(root)).sort()).toEqual(['run', 'state']);
  });

  it('says where no core could start', async () => {
    const root = join(shell.home, 'new');
    const readOnly = `mount --bind -o ro ${root} ${root} && FSB_ROOT=${root} fsb-ctl doctor`;
    const found = await shell.run(`unshare --mount sh -c '${readOnly}'`);
    expect(found).toMatchObject({ code: 1, stdout: expect.stringMatching(/^root +NO .*read-only$/m) });
    for (const limit of [20, 32]) {
      const { code, stdout } = await shell.run(`sh -c 'ulimit -n ${limit}; FSB_ROOT=${root} fsb-ctl doctor'`);
      expect(code).toBe(1);
      // No row that blames something else.
      expect(stdout.match(/^.* NO .*$/gm)).toEqual([
        expect.stringMatching(/^open files +NO .*a core needs 64$/),
      ]);
    }
  });
});

describe('a core whose socket was removed', () => {
  it('is told of, and can be restarted', async () => {
    delete shell.env.FSB_HOST;
    const id = await shell.succeed('fsb-ctl run hidden -q --image host -- sleep 1000');
    const pid = (await shell.succeed("fsb-ctl daemon status --format '{{.pid}}'")).trim();
    await rm(join(shell.cli.root, 'run/fsb.sock'));
    const status = await shell.run('fsb-ctl daemon status');
    expect(status).toMatchObject({ code: 0, stdout: expect.stringMatching(/^running: +true$/m) });
    expect(status.stderr).toMatch(
      /^The core \(pid \d+\) lives, but nobody listens at unix:.*fsb-ctl daemon restart\n$/,
    );
    const refused = await shell.run('fsb-ctl list');
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain(`another core (pid ${pid}) runs already`);
    const doctor = await shell.run('fsb-ctl doctor --fix');
    expect(doctor.stdout).toMatch(/^core +NO +running, pid \d+, unix:\S+, where nobody listens$/m);
    await shell.succeed('fsb-ctl daemon restart');
    expect(await shell.succeed('fsb-ctl get hidden -o "{{.id}}"')).toBe(id);
    await shell.succeed('fsb-ctl delete -f hidden');
    await shell.succeed('fsb-ctl daemon stop');
    shell.env.FSB_HOST = 'embedded:';
  });
});

describe('a restart', () => {
  const flagsOf = async (): Promise<string[]> =>
    JSON.parse(await readFile(join(shell.cli.root, 'run/core.json'), 'utf8')).flags;
  const usual = ['--log-size=100m', '--http=127.0.0.1:0', '--metrics=off'];

  it('has the flags of the core before, but for those that are given anew', async () => {
    await shell.succeed(`fsb-ctl daemon start ${usual.join(' ')} --generate-token --max 9`);
    const { stderr } = await shell.run('fsb-ctl daemon restart');
    expect(stderr).toContain(`Its flags are those of the core before: ${usual.join(' ')} --generate-token\n`);
    expect(await flagsOf()).toEqual([...usual, '--generate-token']);
    // It knows them, whatever becomes of the file.
    await rm(join(shell.cli.root, 'run/core.json'));
    await shell.succeed('fsb-ctl daemon restart');
    expect(await flagsOf()).toEqual([...usual, '--generate-token']);
    // One that fails has taken nothing away.
    await shell.run('fsb-ctl daemon restart --log-size 2m --warm nosuch=1');
    expect(await flagsOf()).toEqual([...usual, '--generate-token']);
    await shell.succeed(
      `cp ${shell.cli.root}/token token; fsb-ctl daemon restart --log-size 2m --token-file token`,
    );
    const token = `--token-file=${join(shell.home, 'token')}`;
    expect(await flagsOf()).toEqual([...usual.slice(1), '--log-size=2m', token]);
    await shell.succeed('fsb-ctl daemon stop');
  });

  it('by the next command or "daemon start", after a core that was killed, has its flags, and says so', async () => {
    const other = createServer();
    const port = await ownPort();
    const flags = [`--http=127.0.0.1:${port}`, '--metrics=off'];
    await shell.succeed(`fsb-ctl daemon start ${flags.join(' ')} --max 9`);
    await shell.cli.killCore();
    const { code, stderr } = await shell.run('FSB_HOST= fsb-ctl list');
    const said = `The core had ended unexpectedly; started again with its flags: ${flags.join(' ')}\n`;
    expect([code, stderr]).toEqual([0, said]);
    expect(await flagsOf()).toEqual(flags);

    await shell.cli.killCore();
    // The killed core is gone a moment later.
    await vi.waitFor(() => once(other.listen(port, '127.0.0.1'), 'listening'), 30_000);
    // As often as it is tried: a start that failed has not forgotten them.
    for (let times = 0; times < 2; times++) {
      const failed = await shell.run('FSB_HOST= fsb-ctl list');
      expect(failed.code).toBe(6);
      expect(failed.stderr).toContain(
        `unexpectedly: ${flags.join(' ')}; "fsb-ctl daemon stop" forgets them.`,
      );
    }
    expect((await shell.run('fsb-ctl daemon start')).code).toBe(6);
    // Whoever gives it any has chosen them.
    const chosen = await shell.run('fsb-ctl daemon start --log-size=100m --metrics=off');
    expect(chosen.stderr).toContain(`this one is without its ${flags[0]}\n`);
    expect(await flagsOf()).toEqual(['--log-size=100m', '--metrics=off']);
    other.close();

    await shell.cli.killCore();
    const again = await shell.run('fsb-ctl daemon start');
    expect(again.stderr).toMatch(
      /^The core had ended unexpectedly; started again with its flags: --log-size=100m --metrics=off\nThe core is running/,
    );
    expect(await flagsOf()).toEqual(['--log-size=100m', '--metrics=off']);
    await shell.cli.killCore();
    expect((await shell.run('fsb-ctl daemon stop')).stderr).toBe(
      'No core is running; the flags of the one that had ended unexpectedly are forgotten: --log-size=100m --metrics=off\n',
    );
    expect((await shell.run('fsb-ctl daemon start')).stderr).toMatch(/^The core is running/);
    expect(await flagsOf()).toEqual([]);
    await shell.succeed('fsb-ctl daemon stop');
    expect((await shell.run('FSB_HOST= fsb-ctl list')).stderr).toBe('');
    await shell.succeed('fsb-ctl daemon stop');

    // A file that was named is not found; where nobody has named it, there is no core, and who knows which sandbox.
    expect((await shell.run('fsb-ctl daemon start --token-file gone')).code).toBe(3);
    await shell.succeed(`(umask 077; echo ${'t'.repeat(40)} > gone); fsb-ctl daemon start --token-file gone`);
    await shell.cli.killCore();
    await shell.succeed('rm gone');
    expect((await shell.run('FSB_HOST= fsb-ctl get box')).code).toBe(6);
    await shell.succeed('fsb-ctl daemon stop');
  });
});

it('the next core knows how long an instance has been claimed', async () => {
  await shell.succeed('fsb-ctl run aged --image host -- sleep 1000');
  const claimed = Date.now();
  await shell.succeed('fsb-ctl list');
  const least = Date.now() - claimed;
  const { instances } = JSON.parse(await shell.succeed('fsb-ctl pool get default-pool -o json'));
  const aged = instances.find(({ holder }: { holder: string | null }) => holder?.endsWith('/aged'));
  expect(aged.age_ms).toBeGreaterThanOrEqual(least);
  await shell.succeed('fsb-ctl delete aged -f');
});

describe('a restart with a flag that is no good', () => {
  it.each([
    ['--log-size 1k', 'It takes at least 1m.'],
    ['--tls-cert /nope', 'Give both --tls-cert and --tls-key.'],
    ['--http 127.0.0.1:1x', 'without these flags'],
    ['--warm nosuch=1', 'without these flags'],
  ])('leaves a core all the same: %s', async (flags, hint) => {
    await shell.succeed('fsb-ctl daemon start');
    const { code, stderr } = await shell.run(`fsb-ctl daemon restart ${flags}`);
    expect(code).not.toBe(0);
    expect(stderr).toContain(hint);
    expect(await running()).toBe(true);
    await shell.succeed('fsb-ctl daemon stop');
  });
});

/** Starts the core while we have the usual port, or somebody else does. @returns what it says of that */
async function startedBeside5758(): Promise<string> {
  for (;;) {
    const holder = createServer();
    const isOurs = await new Promise((resolve) => {
      holder.on('error', () => resolve(false)).listen(5758, '127.0.0.1', () => resolve(true));
    });
    const { stderr } = await shell.run('fsb-ctl daemon start');
    holder.close();
    if (isOurs || stderr !== '') return stderr;
    // Whoever had it has gone meanwhile.
    await shell.succeed('fsb-ctl daemon stop');
  }
}

describe('the log of the core', () => {
  it('is shown, its end, and as it is written', async () => {
    const stderr = await startedBeside5758();
    expect(stderr).toMatch(
      /^Warning: cannot listen on 127.0.0.1:5758: .*This core listens on http:\S+ and http:\S+ instead\..*--http and --metrics\.$/m,
    );
    const text = await shell.succeed('fsb-ctl daemon logs');
    expect(text).toContain('a usual port is taken');
    expect(text).toBe(await readFile(join(shell.cli.root, 'state/core.log'), 'utf8'));
    const lines = text.trimEnd().split('\n');
    expect(await shell.succeed('fsb-ctl daemon logs -n 2')).toBe(`${lines.slice(-2).join('\n')}\n`);
    expect(await shell.succeed('fsb-ctl daemon logs -n 0')).toBe('');
    const session = shell.open('fsb-ctl daemon logs -f -n 1');
    // It follows by then.
    await session.sees(/^\S+Z [A-Z]+ /m);
    await shell.succeed('fsb-ctl daemon restart');
    await session.sees(/INFO {2}ready .*version=/);
    // Of the first Node would open its debugger, and of the second the core would die.
    for (const signal of ['USR1', 'USR2']) {
      await shell.succeed(`kill -${signal} $(fsb-ctl daemon status -o '{{.pid}}')`);
      await session.sees(new RegExp(`INFO {2}a signal without a meaning .*signal=SIG${signal}`));
    }
    session.type('\u0003');
    expect((await session.end()).code).toBe(130);
    await shell.succeed('fsb-ctl daemon stop');
  });

  it('is not there before a core was', async () => {
    expect(await shell.run('fsb-ctl daemon logs --root /tmp/fsb-never')).toMatchObject({ code: 3 });
  });
});
