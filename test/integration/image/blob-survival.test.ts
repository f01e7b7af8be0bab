import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../../contract/workbench.ts';
import { cachedScript, coreScript } from '../../helpers/core/core-script.ts';
import { bytesOf, ContentFixture, digestOf, slowBlob } from '../../helpers/image/content-fixture.ts';

const LARGE = Buffer.alloc(1 << 22, 'x');

/** Everything that the store says it has is there, whole, and nothing else but what can be taken up. */
async function assertSound(fixture: ContentFixture): Promise<void> {
  const { content, store } = fixture;
  const blobs = new Set<string>();
  for (const record of content.records.all()) {
    await store.resolve(record.digest);
    for (const { diffId } of record.layers)
      expect(digestOf(await readFile(join(content.layers.pathOf(diffId)!, 'file')))).toBe(diffId);
    for (const digest of [
      record.digest,
      record.configDigest,
      ...record.layers.map((layer) => layer.digest),
    ]) {
      expect(digestOf(await readFile(content.blobs.pathOf(digest)!))).toBe(digest);
      blobs.add(digest);
    }
  }
  expect((await fixture.files('blobs/sha256')).map((hex) => `sha256:${hex}`).sort()).toEqual(
    [...blobs].sort(),
  );
  expect((await fixture.files('partial')).filter((name) => !/^[0-9a-f]{64}$/.test(name))).toEqual([]);
  expect(await fixture.files('staging')).toEqual([]);
  const layers = new Set(
    content.records.all().flatMap((record) => record.layers.map(({ diffId }) => diffId)),
  );
  expect(await fixture.files('layers')).toHaveLength(layers.size);
}

describe('a process that is killed at any moment', () => {
  it('leaves what the next one takes up, and nothing half', { timeout: 180_000 }, async () => {
    const churn = await coreScript('image-churn');
    const directory = await mkdtemp('/tmp/fsb-churn-');
    let resumed = 0;
    try {
      // Where the machine is busy the kills may come before anything was written.
      for (let round = 0; round < 12 || (resumed === 0 && round < 48); round += 1) {
        const child = spawn(process.execPath, [cachedScript, churn, directory], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const exited = once(child, 'exit');
        let steps = 0;
        try {
          for await (const data of child.stdout) {
            steps += (data as Buffer).length;
            if (steps >= 1 + (round % 12) * 7) break;
          }
        } finally {
          child.kill('SIGKILL');
          await exited;
        }
        expect(child.signalCode).toBe('SIGKILL');

        const fixture = new ContentFixture();
        await fixture.setUp(directory);
        await assertSound(fixture);
        for (const number of [0, 1, 2]) {
          const { terms, bytes, read } = slowBlob(number);
          const path: string = await fixture.content.blobs.ensure(terms, (offset) => {
            if (offset > 0) resumed += 1;
            return read(offset);
          });
          expect((await readFile(path)).equals(bytes)).toBe(true);
        }
        if (round % 4 === 3) {
          await fixture.store.prune({ all: true });
          expect(await fixture.bytes()).toBe(0);
        }
        await fixture.store.close();
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    expect(resumed).toBeGreaterThan(0);
  });
});

describe('a full disk', () => {
  const fixture = new ContentFixture();
  let disk: string;
  beforeEach(async () => {
    disk = await mkdtemp('/tmp/fsb-full-');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'fsb-test', disk]);
    await fixture.setUp(disk);
    await fixture.put({ references: ['docker.io/library/a:1'], layers: ['A'] });
  });
  afterEach(async () => {
    await fixture.store.close();
    execFileSync('umount', [disk]);
    await rm(disk, { recursive: true });
  });

  const noCapacity = {
    code: 'no_capacity',
    message: expect.stringMatching(/^cannot store .*: (the disk is full|only .* are to stay free)$/),
    hint: expect.stringContaining('image prune'),
  };
  const fill = () => writeFile(join(disk, 'filler'), LARGE).catch(() => {});

  it('fails a blob, of which nothing stays', async () => {
    const { blobs } = fixture.content;
    const terms = { digest: digestOf(LARGE), size: LARGE.length };
    const before = await fixture.bytes();
    expect(await errorOf(blobs.ensure(terms, () => pieces(LARGE)))).toMatchObject(noCapacity);
    expect(await errorOf(blobs.add(pieces(LARGE)))).toMatchObject(noCapacity);
    expect([await fixture.files('partial'), await fixture.bytes()]).toEqual([[], before]);
  });

  it('fails a layer, of which nothing stays', async () => {
    const filling = fixture.content.layers.ensure(digestOf('large'), async (directory) => {
      await writeFile(join(directory, 'file'), LARGE);
      return LARGE.length;
    });
    expect(await errorOf(filling)).toMatchObject(noCapacity);
    expect([await fixture.files('staging'), (await fixture.files('layers')).length]).toEqual([[], 1]);
  });

  it('fails a record, and the list is as it was, also for the next process', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `docker.io/library/${'x'.repeat(200)}:${index}`);
    const record = fixture.content.records.all()[0]!;
    const before = await fixture.images();
    await fill();
    const adding = fixture.content.records.add([{ ...record, references: names }]);
    expect(await errorOf(adding)).toMatchObject(noCapacity);
    expect(await fixture.images()).toEqual(before);
    await fixture.reopen();
    expect(await fixture.images()).toEqual(before);
    await rm(join(disk, 'filler'));
    await fixture.store.remove('a:1');
    expect(await fixture.bytes()).toBe(0);
  });

  it('still lets images be removed', async () => {
    await fixture.put({ references: ['docker.io/library/b:1'], layers: ['B'] });
    await fill();
    const before = await fixture.bytes();
    const { freed } = await fixture.store.remove('a:1');
    expect([before - (await fixture.bytes()), (await fixture.images()).length]).toEqual([freed, 1]);
    await fill();
    expect((await fixture.store.prune({ all: true })).removed).toHaveLength(1);
    expect(await fixture.bytes()).toBe(0);
  });

  it('with room again takes what did not fit', async () => {
    await fill();
    const { terms, read } = slowBlob(1);
    expect(await errorOf(fixture.content.blobs.ensure(terms, read))).toMatchObject(noCapacity);
    await rm(join(disk, 'filler'));
    await fixture.content.blobs.ensure(terms, read);
    expect(fixture.content.blobs.sizeOf(terms.digest)).toBe(terms.size);
  });
});

const pieces = (data: Buffer): AsyncGenerator<Buffer> =>
  bytesOf(...Array.from({ length: 64 }, (_, index) => data.subarray(index << 16, (index + 1) << 16)));
