import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makePlace } from '../../unit/store/harness.ts';

const child = fileURLToPath(new URL('../../fixtures/store-child.ts', import.meta.url));
const run = (mode: string, directory: string) =>
  spawn(process.execPath, ['--import', 'tsx', child, mode, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** Lets the child put until it confirmed `count` records, kills it, and tells all that it confirmed. */
async function putAndKill(directory: string, count: number): Promise<string[]> {
  const putting = run('puts', directory);
  let text = '';
  putting.stdout.on('data', (data: Buffer) => {
    text += data.toString();
    if (text.length >= count * 10) putting.kill('SIGKILL');
  });
  await once(putting, 'close');
  return text.split('\n').slice(0, -1);
}

describe('a core that is killed in the middle of puts', () => {
  it('has every record that was confirmed, each of them whole', { timeout: 60_000 }, async () => {
    await using place = await makePlace();
    const confirmed: string[] = [];
    for (const count of [1, 50, 400]) {
      confirmed.push(...(await putAndKill(place.directory, count)));
      const store = await place.open();
      const table = store.table<{ text: string }>('t', 1);
      for (const key of confirmed) expect(table.get(key)?.text.slice(0, 9)).toBe(key);
      for (const [key, { text }] of table.entries()) expect(text).toBe(key.repeat(1 + (Number(key) % 700)));
      expect(place.logged).toEqual([]);
      await store.close();
    }
  });
});

describe('an open store', () => {
  it('does not keep its process alive', { timeout: 30_000 }, async () => {
    await using place = await makePlace();
    const [code] = await once(run('exit', place.directory), 'exit');
    expect(code).toBe(0);
    expect([...(await place.open()).table('t', 1).entries()]).toHaveLength(1);
  });
});

describe('a store on a full disk', () => {
  it('rejects the put, shows what is durable, and goes on when there is room', async () => {
    const disk = mkdtempSync(join(tmpdir(), 'fsb-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'fsb-test', disk]);
    try {
      await using place = await makePlace();
      const store = await place.open(join(disk, 'records'));
      const table = store.table<string>('t', 1);
      await table.put('a', 'before');
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(700_000));
      await expect(table.put('a', 'x'.repeat(600_000))).rejects.toMatchObject({
        message: expect.stringContaining('cannot store the record t/a'),
        hint: expect.stringContaining('full'),
      });
      expect(table.get('a')).toBe('before');
      rmSync(join(disk, 'ballast'));
      await table.put('a', 'after');
      await store.close();
      const later = await place.open(join(disk, 'records'));
      expect(later.table<string>('t', 1).get('a')).toBe('after');
      await later.close();
    } finally {
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true });
    }
  });
});
