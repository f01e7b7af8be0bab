import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { type Sshd, startSshd } from '../helpers/cli/sshd.ts';
import { traces } from '../helpers/core/traces.ts';

/** A core on another machine: a root of its own, behind a real sshd. */

let shell: Shell;
let sshd: Sshd;
let root: string;

beforeAll(async () => {
  shell = await makeShell();
  shell.env.TMPDIR = join(shell.home, 'tmp');
  await mkdir(shell.env.TMPDIR);
  root = join(shell.cli.root, 'far');
  sshd = await startSshd({
    directory: join(shell.home, 'sshd'),
    bin: join(shell.home, 'bin'),
    env: { FSB_ROOT: root, PATH: shell.env.PATH!, HOME: shell.home },
  });
});

afterAll(async () => {
  await shell.run(`fsb-ctl --host ssh://far delete --all -f; fsb-ctl daemon stop --root ${root}`);
  expect(await traces(root)).toEqual([]);
  await sshd.stop();
  expect(await shell.cli.close()).toEqual([]);
});

const nothingLeft = async (): Promise<void> => {
  await expect.poll(() => sshd.connections()).toEqual([]);
  expect(await readdir(shell.env.TMPDIR!)).toEqual([]);
  await expect.poll(helpers).toEqual([]);
};

/** Processes that a tunnel has here: their words have its directory. */
async function helpers(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,args', '-ww']);
  return stdout.split('\n').filter((line) => line.includes(join(shell.env.TMPDIR!, 'fsb-ssh-')));
}

describe('a core behind ssh', () => {
  it('is not started when that is forbidden, and when nobody needs it', async () => {
    const forbidden = await shell.run('FSB_NO_AUTOSTART=1 fsb-ctl --host ssh://far list');
    expect(forbidden).toMatchObject({
      code: 6,
      stderr: 'Error: the core on far is not running\nHint: Start it with: ssh far fsb-ctl daemon start\n',
    });
    expect((await shell.run('fsb-ctl --host ssh://far version')).code).toBe(6);
    await nothingLeft();
  });

  it('is started by the first command, and does everything', async () => {
    const fsb = 'FSB_HOST=ssh://far fsb-ctl';
    expect(await shell.succeed(`${fsb} list -q`)).toBe('');
    await shell.succeed(`${fsb} run box --image host -- sh -c 'echo started; exec sleep 1000'`);
    expect(await shell.succeed(`${fsb} list -q`)).toBe('box\n');
    expect(await shell.succeed(`echo hello | ${fsb} exec -i box cat`)).toBe('hello\n');
    expect((await shell.run(`${fsb} exec box sh -c 'exit 7'`)).code).toBe(7);
    expect(await shell.succeed(`${fsb} logs box`)).toBe('started\n');
    const info = JSON.parse(await shell.succeed(`${fsb} info -o json`));
    expect(info).toMatchObject({ core: { root } });
    expect(await shell.succeed('fsb-ctl list -q')).toBe('');
    await nothingLeft();
  });

  it('is reached by the path of its socket, and as a context', async () => {
    const socket = join(root, 'run/fsb.sock');
    expect(await shell.succeed(`fsb-ctl --host ssh://root@far:${sshd.port}${socket} list -q`)).toBe('box\n');
    await shell.succeed(`fsb-ctl context create away --host ssh://far${socket}`);
    expect(await shell.succeed('fsb-ctl --context away list -q')).toBe('box\n');
    await nothingLeft();
  });

  it('has a terminal, and ctrl-C is for the command there', async () => {
    const session = shell.open('fsb-ctl --host ssh://far exec -it box sh');
    await session.sees('# ');
    session.type('stty size; exit 3\r');
    await session.sees('31 97');
    expect(await session.end()).toEqual({ code: 3, restored: true });
    const follow = shell.open('fsb-ctl --host ssh://far logs -f box');
    await follow.sees('started');
    follow.type('\u0003');
    expect((await follow.end()).code).toBe(130);
    await nothingLeft();
  });

  it.each([
    ['the command', 1],
    ['all of its process group', -1],
  ])('is let go of when a signal kills %s', async (_, of) => {
    const child = spawn(join(shell.home, 'bin/fsb-ctl'), ['--host', 'ssh://far', 'logs', '-f', 'box'], {
      env: shell.env,
      detached: true,
    });
    await once(child.stdout, 'data');
    expect(await sshd.connections()).toHaveLength(1);
    process.kill(of * child.pid!, 'SIGKILL');
    await expect.poll(() => sshd.connections(), { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => readdir(shell.env.TMPDIR!), { timeout: 10_000 }).toEqual([]);
    await nothingLeft();
  });
});

describe('what ssh cannot do', () => {
  const failure = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await shell.run(line);
    expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
    return stderr;
  };

  it.each([
    ['stranger', /^Error: cannot reach a core on stranger: .*Permission denied.*\nHint: .* key /],
    [
      'far:1',
      /^Error: cannot reach a core on far: .*Connection refused\nHint: Does this work: ssh -p 1 far true\n$/,
    ],
    ['no-such-host.invalid', /Could not resolve hostname/],
    ['far/nowhere/fsb.sock', /there is no socket \/nowhere\/fsb\.sock/],
  ])('is told: %s', async (host, message) => {
    expect(await failure(`fsb-ctl --host ssh://${host} list`)).toMatch(message);
  });

  it('is told: no fsb-ctl there', async () => {
    await shell.succeed('mv bin/fsb-ctl bin/hidden');
    try {
      expect(await failure('hidden --host ssh://far list')).toContain('there is no fsb-ctl on its PATH');
    } finally {
      await shell.succeed('mv bin/hidden bin/fsb-ctl');
    }
  });

  it('is told: a socket on which nobody answers', async () => {
    const script = `require("node:net").createServer(s => s.end()).listen("dead.sock", () => console.log("up"))`;
    const child = spawn(process.execPath, ['-e', script], { cwd: shell.home });
    await once(child.stdout, 'data');
    expect(await failure(`fsb-ctl --host ssh://far${shell.home}/dead.sock list`)).toMatch(
      /^Error: no core answers at .*dead\.sock on far: /,
    );
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  });

  it('is told: no ssh here', async () => {
    await shell.succeed(
      'mkdir -p empty && ln -sf $(command -v node) empty/node && ln -sf ../bin/fsb-ctl empty/fsb-ctl',
    );
    expect(await failure(`PATH=${shell.home}/empty fsb-ctl --host ssh://far list`)).toContain(
      'there is no ssh here',
    );
  });

  it('leaves nothing', nothingLeft);
});
