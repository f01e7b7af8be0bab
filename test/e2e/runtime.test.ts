import { spawn } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliRoot, makeCliRoot, type Outcome, outcomeOf } from '../helpers/cli/cli-root.ts';
import { repository } from '../helpers/core/real-core.ts';

/** A machine on which nobody has installed runc yet, or what a limit of disk needs. */

const binary = join(repository, 'bin/run.js');
/** In a mount namespace of its own: hides every one of $HIDDEN behind $EMPTY, then becomes the command. */
const hide = `for program in $HIDDEN; do mount --bind "$EMPTY" "$program" || exit 99; done; exec "$@"`;

let cli: CliRoot;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  cli = await makeCliRoot();
  const empty = join(cli.root, 'empty');
  await writeFile(empty, '', { mode: 0o644 });
  env = { ...cli.env, EMPTY: empty };
});

afterAll(async () => {
  expect(await cli.close()).toEqual([]);
});

async function everywhere(program: string): Promise<string[]> {
  const places = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, program));
  const there = await Promise.all(
    places.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  const found = places.filter((_, i) => there[i]);
  // Otherwise nothing is hidden, and the tests below prove nothing.
  expect(found).not.toEqual([]);
  return found;
}

async function without(program: string, args: string[]): Promise<Outcome> {
  const HIDDEN = (await everywhere(program)).join(' ');
  const words = ['--mount', 'sh', '-c', hide, 'sh', binary, ...args];
  return outcomeOf(spawn('unshare', words, { env: { ...env, HIDDEN } }));
}

const withoutRunc = (...args: string[]): Promise<Outcome> => without('runc', args);

describe('without runc', () => {
  it.each([[['list']], [['run', 'box', '--image', 'host', '--', 'true']]])(
    'the first command, %j, says what is missing and how to get it, and starts nothing',
    async (args) => {
      const { code, stdout, stderr } = await withoutRunc(...args);
      expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
      expect(stderr).toMatch(/^Error: cannot start the core: .*runc is not installed/);
      expect(stderr).toMatch(/^Hint: .*apt-get install runc/m);
      expect(stderr).toContain(`(its log: ${cli.root}/state/core.log)`);
      const status = await cli.fsb(['daemon', 'status', '-o', 'json']);
      expect(JSON.parse(status.stdout)).toMatchObject({ running: false });
    },
  );

  it('the core in the foreground says the same', async () => {
    const { code, stderr } = await withoutRunc('serve');
    expect(code).toBe(6);
    expect(stderr).toMatch(/runc is not installed[\s\S]*^Hint: .*apt-get install runc/m);
  });

  it('doctor exits with 1 and says the same', async () => {
    const { code, stdout, stderr } = await withoutRunc('doctor');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^runtime runc +NO +runc is not installed$/m);
    expect(stderr).toMatch(/^Hint: runtime runc: .*apt-get install runc/m);
  });

  it('all is well again once it is there', async () => {
    expect((await cli.fsb(['doctor'])).code).toBe(0);
    expect(await cli.fsb(['run', 'box', '--rm', '--image', 'host', '--', 'echo', 'here'])).toMatchObject({
      code: 0,
      stdout: 'here\n',
    });
  });
});

describe('without mke2fs', () => {
  it('doctor is content, and says what a limit of disk needs', async () => {
    const { code, stdout, stderr } = await without('mke2fs', ['doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^disk limits +no +not possible without mke2fs; all else is$/m);
    expect(stderr).toMatch(/^Hint: disk limits: .*apt-get install e2fsprogs\)\.$/m);
  });

  it('nothing runs without the limit that it was to have, and all else does', async () => {
    await cli.fsb(['daemon', 'stop']);
    const limited = ['run', 'box', '--rm', '--disk', '32m', '--image', 'host', '--', 'echo', 'here'];
    const { code, stdout, stderr } = await without('mke2fs', limited);
    expect({ code, stdout }).toEqual({ code: expect.any(Number), stdout: '' });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/its disk cannot be limited without mke2fs/);
    const unlimited = await cli.fsb(limited.filter((word) => !['--disk', '32m'].includes(word)));
    expect(unlimited).toMatchObject({ code: 0, stdout: 'here\n' });
  });
});
