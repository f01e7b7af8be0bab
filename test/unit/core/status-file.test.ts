import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { forgetEnded, readEnded, removeStatus, setStatusAside } from '../../../src/core/root/status-file.ts';

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

it('of a killed core is there until the next one runs, also over starts that fail', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-status-'));
  const path = join(directory, 'core.json');
  try {
    await setStatusAside(path);
    expect(await readEnded(path)).toBeUndefined();
    await writeFile(path, '{"flags":["--metrics=off"]}');
    expect((await readEnded(path))?.flags).toEqual(['--metrics=off']);
    for (let start = 0; start < 2; start++) {
      await setStatusAside(path);
      expect(await readdir(directory)).toEqual(['core.json.ended']);
      expect((await readEnded(path))?.flags).toEqual(['--metrics=off']);
    }
    await forgetEnded(path);
    expect(await readEnded(path)).toBeUndefined();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
