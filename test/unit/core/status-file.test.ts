import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { removeStatus } from '../../../src/core/status-file.ts';

it('takes away the status, and what a core that was killed while it wrote has left, and nothing else', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-status-'));
  try {
    for (const name of ['core.json', 'core.json.4711', 'core.json.1', 'core.json.bak', 'core.log', 'lock'])
      await writeFile(join(directory, name), '{');
    await removeStatus(join(directory, 'core.json'));
    expect((await readdir(directory)).sort()).toEqual(['core.json.bak', 'core.log', 'lock']);
    await removeStatus(join(directory, 'core.json'));
    await removeStatus(join(directory, 'gone/core.json'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
