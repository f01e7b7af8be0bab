import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../helpers/cli/command-line.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsb-other-'));
});

afterEach(() => rm(home, { recursive: true }));

const fsb = (line: string) =>
  runCommandLine(line.split(' '), { cwd: home, env: { HOME: home, FSB_ROOT: home } });
const stop = (flags: string) => fsb(`daemon stop ${flags}`);

describe('another core that is typed', () => {
  it.each(['daemon stop', 'daemon start', 'daemon restart', 'daemon status', 'daemon logs', 'serve'])(
    'is not this one, which %s is about',
    async (line) => {
      expect(await fsb(`--host ssh://me@far:22 ${line}`)).toEqual({
        code: 2,
        stdout: '',
        stderr: `Error: ${line} is about the core of this machine, and --host means another one: ssh://me@far:22
Hint: Run it there: ssh -p 22 me@far fsb-ctl ${line}. For the core of this machine, leave out --host
`,
      });
      expect(await readdir(home)).toEqual([]);
    },
  );

  it.each([
    ['--host tls://far:1', 'Run it on that machine, over ssh for instance.'],
    ['--context far', 'Run it on that machine, over ssh for instance.'],
    ['--host unix:///other/run/fsb.sock', 'Name its directory instead: fsb-ctl daemon stop --root /other.'],
    ['--host embedded:/other', 'Name its directory instead: fsb-ctl daemon stop --root /other.'],
    ['--host unix:///other/my.sock', 'Run it where that socket comes from.'],
  ])('by %s gets a hint of its own', async (flags, hint) => {
    await fsb('context create far --host tls://far:1');
    const { code, stderr } = await stop(flags);
    const [name] = flags.split(' ');
    expect([code, stderr.split('\n')[1]]).toEqual([
      2,
      `Hint: ${hint} For the core of this machine, leave out ${name}`,
    ]);
  });

  it.each([
    ['--context none', 3, 'context none does not exist'],
    ['--host nonsense', 2, 'invalid endpoint "nonsense"'],
    ['--host unix:///a --context default', 2, '--host and --context contradict each other'],
  ])('must make sense: %s', async (flags, code, message) => {
    expect(await stop(flags)).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });

  it('is refused beside --root, and where the configuration is broken', async () => {
    await mkdir(join(home, '.fsb'));
    await writeFile(join(home, '.fsb/config.json'), '{"namespace": ');
    for (const flags of ['--host tcp://far:1', `--host tcp://far:1 --root ${home}`]) {
      const { code, stderr } = await stop(flags);
      expect([code, stderr]).toEqual([2, expect.stringContaining('daemon stop is about')]);
    }
  });

  it('may be this one in other words', async () => {
    await symlink(home, join(home, 'link'));
    await mkdir(join(home, 'run'), { mode: 0o700 });
    await fsb(`context create here --host unix://${home}/run/fsb.sock`);
    const none = { code: 0, stdout: '', stderr: 'No core is running.\n' };
    for (const flags of [
      `--host unix://${home}/run/fsb.sock`,
      `--host unix:${home}/link/run/fsb.sock`,
      `--host unix://${home}/run/fsb.sock --root ${home}/link`,
      `--host embedded:`,
      `--host embedded:${home}`,
      '--context here',
      '--context default',
    ])
      expect([flags, await stop(flags)]).toEqual([flags, none]);
  });
});

it('doctor is about this machine, whichever core is typed', async () => {
  const { code, stderr } = await fsb('doctor --host tcp://far:1');
  expect(code).not.toBe(2);
  expect(stderr).toContain('other commands talk to tcp://far:1 (flag:--host).\n');
});
