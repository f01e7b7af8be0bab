import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { makeManifest } from '../../../scripts/build/manifest.ts';
import { repository } from '../../helpers/core/real-core.ts';

const run = promisify(execFile);
const pages = (await readdir(join(repository, 'man'))).map((file) => join(repository, 'man', file));
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

it.each(Object.keys(commands).filter((id) => !commands[id]!.hidden))(
  '%s has a page with its flags',
  async (id) => {
    const page = await readFile(join(repository, 'man', `fsb-ctl-${id.replaceAll(':', '-')}.1`), 'utf8');
    const visible = Object.values(commands[id]!.flags).filter(({ hidden }) => !hidden);
    for (const { name } of visible) expect(page.replaceAll('\\', '')).toContain(`--${name}`);
  },
);
