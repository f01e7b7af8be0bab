import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { repository } from '../helpers/core/real-core.ts';

/** What asks a person asks nobody else: without a terminal it fails at once and says which flag to give. */

const ASKING: [line: string, hint: string][] = [
  ['run box', 'Give --image (for example --image host) or --file.'],
  ['run box --yes', 'Give --image (for example --image host) or --file.'],
  ['image prune', 'Give --force when you are sure.'],
  ['image prune --all', 'Give --force when you are sure.'],
  ['system prune', 'Give --force when you are sure.'],
  ['login registry.test', '--password-stdin'],
  ['login registry.test --username me', '--password-stdin'],
];

let shell: Shell;

beforeAll(async () => {
  shell = await makeShell();
  // A command that went on would fail for want of a core, with another code.
  shell.env.FSB_NO_AUTOSTART = '1';
});

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

describe.each(ASKING)('%s', (line, hint) => {
  it('fails in a script', async () => {
    const { code, stdout, stderr } = await shell.run(`fsb-ctl ${line}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Error: .*\nHint: .*\n$/);
    expect(stderr).toContain(hint);
  });

  it.each(['< /dev/null', '2> said'])('fails on a terminal with %s', async (redirection) => {
    const session = shell.open(`fsb-ctl ${line} ${redirection}`);
    expect(await session.end()).toEqual({ code: 2, restored: true });
    const said = redirection.startsWith('2>')
      ? await readFile(join(shell.home, 'said'), 'utf8')
      : session.text;
    expect(said).toContain(hint);
  });

  it('tells a program the same', async () => {
    const { code, stderr } = await shell.run(`fsb-ctl ${line} -o json`);
    expect({ code, error: JSON.parse(stderr).error }).toEqual({
      code: 2,
      error: { code: 'invalid_argument', message: expect.any(String), hint: expect.stringContaining(hint) },
    });
  });
});

describe.each(['delete --all', 'delete --selector team=red'])('%s', (line) => {
  // With a core, or there would be nothing to ask about.
  const asking = (rest: string): string => `unset FSB_NO_AUTOSTART; fsb-ctl ${line} ${rest}`;
  const start = (): Promise<string> =>
    shell.succeed('unset FSB_NO_AUTOSTART; fsb-ctl run box -l team=red -q --image host -- sleep 1000');

  it('asks on a terminal, and anything but a yes keeps everything', async () => {
    await start();
    const session = shell.open(asking(''));
    await session.sees('Delete 1 sandbox? (y/N)');
    session.type('nope\r');
    expect(await session.end()).toEqual({ code: 130, restored: true });
    expect(await shell.succeed('fsb-ctl list -q')).toBe('box\n');
    await shell.succeed('fsb-ctl delete -f box');
  });

  it.each(['', '< /dev/null', '--yes', '-f'])(
    'does it at once with %j where it need not ask',
    async (rest) => {
      await start();
      if (rest === '') expect((await shell.run(asking('--grace 0s'))).stdout).toBe('box\n');
      else expect(await shell.open(asking(`--grace 0s ${rest}`)).end()).toEqual({ code: 0, restored: true });
      expect(await shell.succeed('fsb-ctl list -a -q')).toBe('');
    },
  );
});

it('is about everything that can ask', async () => {
  const sources = (await readdir(join(repository, 'src'), { recursive: true })).filter((file) =>
    file.endsWith('.ts'),
  );
  const asking: string[] = [];
  for (const file of sources)
    if (
      /\b(confirm|confirmLoss|askText|askHidden)\(/.test(
        await readFile(join(repository, 'src', file), 'utf8'),
      )
    )
      asking.push(file);
  // A new one needs a line in the table above; delete asks nobody who cannot answer.
  expect(asking.sort()).toEqual([
    'cli/login/login-input.ts',
    'cli/spec/edit-spec.ts',
    'cli/terminal/prompts.ts',
    'commands/delete.ts',
    'commands/image/prune.ts',
    'commands/system/prune.ts',
  ]);
});
