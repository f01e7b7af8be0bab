import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { makeManifest } from '../../../scripts/build/manifest.ts';
import { repository } from '../../helpers/core/real-core.ts';

const run = promisify(execFile);
const all = (await readdir(join(repository, 'man'))).map((file) => join(repository, 'man', file));
const texts = new Map(
  await Promise.all(all.map(async (page) => [page, await readFile(page, 'utf8')] as const)),
);
const pages = all.filter((page, at) => all.findIndex((each) => texts.get(each) === texts.get(page)) === at);
const textIn = (file: string): string | undefined => texts.get(join(repository, 'man', file));
const { commands } = await makeManifest(repository);

describe.each(pages)('%s', (page) => {
  it('is shown by man without a warning', async () => {
    const shown = await run('man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', page], {
      env: { ...process.env, MANROFFSEQ: '' },
      maxBuffer: 2 ** 24,
    });
    expect(shown.stderr).toBe('');
  });

  it('has no mistake that mandoc would find', async () => {
    const { stdout } = await run('mandoc', ['-T', 'lint', '-W', 'warning', page]).catch((error) => error);
    // A date would change the pages without a change of ours.
    const mistakes = (stdout as string)
      .split('\n')
      .filter((line) => line !== '' && !/missing date/.test(line));
    expect(mistakes).toEqual([]);
  });
});

it('the page of the other program is that of fsb-ctl', () => {
  expect(textIn('fsb.1')).toBe(textIn('fsb-ctl.1'));
});

it.each(Object.keys(commands).filter((id) => !commands[id]!.hidden))('%s has a page with its flags', (id) => {
  const fileOf = (words: string): string => `fsb-ctl-${words.replaceAll(':', '-')}.1`;
  const textOf = (words: string): string | undefined => textIn(fileOf(words));
  const page = textOf(id)!;
  for (const alias of commands[id]!.aliases) expect(textOf(alias)).toBe(page);
  const visible = Object.values(commands[id]!.flags).filter(({ hidden }) => !hidden);
  for (const { name } of visible) expect(page.replaceAll('\\', '')).toContain(`--${name}`);
});
