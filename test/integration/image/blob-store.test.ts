import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../../contract/workbench.ts';
import { gate } from '../../helpers/gate.ts';
import { bytesOf, digestOf, HOUR } from '../../helpers/image/content-fixture.ts';
import { useContent } from '../../helpers/image/use-content.ts';
import { settle } from '../../helpers/manual-clock.ts';

const fixture = useContent();
const BLOB = Buffer.from('0123456789abcdef');
const DIGEST = digestOf(BLOB);
const TERMS = { digest: DIGEST, size: BLOB.length };

const partialPath = (): string => join(fixture.root, 'partial', DIGEST.slice('sha256:'.length));
const never = (): never => {
  throw new Error('nobody has asked for bytes');
};
/** A source that notes from where it was read. */
function source(offsets: number[], bytes = BLOB): (offset: number) => AsyncGenerator<Buffer> {
  return (offset) => {
    offsets.push(offset);
    return bytesOf(bytes.subarray(offset));
  };
}
async function* cut(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
  throw new Error('cut off');
}

describe('a blob', () => {
  it('is read once, verified, and there after a restart when a record has it', async () => {
    const { blobs } = fixture.content;
    expect([blobs.pathOf(DIGEST), blobs.sizeOf(DIGEST)]).toEqual([undefined, 0]);
    const path = await blobs.ensure(TERMS, source([]));
    expect(await readFile(path)).toEqual(BLOB);
    expect([await blobs.ensure(TERMS, never), blobs.pathOf(DIGEST), blobs.sizeOf(DIGEST)]).toEqual([
      ...[path, path, BLOB.length],
    ]);
    const { configDigest } = await fixture.put({ references: ['docker.io/library/a:1'], layers: ['A'] });
    await fixture.reopen();
    expect(fixture.content.blobs.pathOf(configDigest)).toBeDefined();
  });

  it('of which no record knows is verified before it is used', async () => {
    await fixture.content.blobs.ensure(TERMS, source([]));
    const damaged = await fixture.content.blobs.add(bytesOf('will be damaged'));
    await writeFile(fixture.content.blobs.pathOf(damaged.digest)!, 'was damaged now');
    await fixture.reopen();
    const { blobs } = fixture.content;
    expect(blobs.pathOf(DIGEST)).toBeUndefined();
    await blobs.ensure(TERMS, never);
    await blobs.ensure(damaged, () => bytesOf('will be damaged'));
    expect(await readFile(blobs.pathOf(damaged.digest)!, 'utf8')).toBe('will be damaged');
    await fixture.reopen();
    // Nobody says how long it is.
    await fixture.content.blobs.ensure({ digest: DIGEST }, never);
  });

  it('is read once for several who want it, who all see how far it is', async () => {
    const { blobs } = fixture.content;
    const { promise, open } = gate();
    const seen: number[][] = [[], []];
    const first = blobs.ensure(
      TERMS,
      async function* () {
        yield BLOB.subarray(0, 5);
        await promise;
        yield BLOB.subarray(5);
      },
      { onProgress: (bytes) => seen[0]!.push(bytes) },
    );
    await expect.poll(() => seen[0]).toEqual([5]);
    const second = blobs.ensure(TERMS, never, { onProgress: (bytes) => seen[1]!.push(bytes) });
    await expect.poll(() => seen[1]).toEqual([5]);
    open();
    expect(await first).toBe(await second);
    expect(seen).toEqual([
      [5, 16],
      [5, 16, 16],
    ]);
  });

  it.each(['fails', 'is aborted'])('goes on with the source of the next when the first %s', async (how) => {
    const { blobs } = fixture.content;
    const { promise, open } = gate();
    const abort = new AbortController();
    const first = blobs.ensure(
      TERMS,
      async function* () {
        yield BLOB.subarray(0, 5);
        await promise;
        throw new Error('cut off');
      },
      { signal: abort.signal },
    );
    const offsets: number[] = [];
    await expect.poll(() => readFile(partialPath(), 'utf8').catch(() => '')).toBe('01234');
    const others = [1, 2, 3].map(() => blobs.ensure(TERMS, source(offsets)));
    if (how === 'fails') open();
    else abort.abort();
    await expect(first).rejects.toThrow();
    await Promise.all(others);
    expect(offsets).toEqual([5]);
    expect(await readFile(blobs.pathOf(DIGEST)!)).toEqual(BLOB);
    open();
  });

  it('lets one who waits give up', async () => {
    const { blobs } = fixture.content;
    const { promise, open } = gate();
    const first = blobs.ensure(TERMS, async function* () {
      await promise;
      yield BLOB;
    });
    const abort = new AbortController();
    const waiting = blobs.ensure(TERMS, never, { signal: abort.signal });
    abort.abort();
    expect(await errorOf(waiting)).toMatchObject({ code: 'cancelled' });
    open();
    await first;
  });

  it('is taken up by the next process from where it was', async () => {
    await expect(fixture.content.blobs.ensure(TERMS, () => cut(BLOB.subarray(0, 7)))).rejects.toThrow('cut');
    await fixture.reopen();
    const offsets: number[] = [];
    const seen: number[] = [];
    await fixture.content.blobs.ensure(TERMS, source(offsets), { onProgress: (bytes) => seen.push(bytes) });
    expect([offsets, seen]).toEqual([[7], [7, 16]]);
  });

  it('is read anew, once, when what was here before is wrong', async () => {
    for (const wrong of ['0123-wrong', `${BLOB}and more`]) {
      await fixture.reopen();
      await writeFile(partialPath(), wrong);
      const offsets: number[] = [];
      await fixture.content.blobs.ensure(TERMS, source(offsets));
      expect(offsets.at(-1)).toBe(0);
      expect(await fixture.files('partial')).toEqual([]);
      await fixture.content.collect(0);
    }
  });

  it.each([
    ['another digest', BLOB.toString().toUpperCase(), 'is damaged: the digest of what came is sha256:'],
    ['more bytes than it should have', `${BLOB}x`, 'is longer than the 16 bytes'],
  ])('with %s is an error, and nothing stays', async (_title, bytes, message) => {
    const { blobs } = fixture.content;
    expect(await errorOf(blobs.ensure(TERMS, () => bytesOf(bytes)))).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(message),
    });
    await writeFile(partialPath(), 'wrong');
    const error = await errorOf(blobs.ensure(TERMS, () => bytesOf(bytes)));
    expect(error.message).toContain(message);
    expect([await fixture.files('partial'), await fixture.files('blobs/sha256')]).toEqual([[], []]);
  });

  it('that ends too early is an error, and taken up later', async () => {
    const { blobs } = fixture.content;
    const error = await errorOf(blobs.ensure(TERMS, () => bytesOf(BLOB.subarray(0, 9))));
    expect(error).toMatchObject({ message: `blob ${DIGEST} ended after 9 of 16 bytes` });
    const offsets: number[] = [];
    await blobs.ensure(TERMS, source(offsets));
    expect(offsets).toEqual([9]);
  });

  it('of a source without an end is not read on', async () => {
    let chunks = 0;
    const endless = async function* (): AsyncGenerator<Buffer> {
      for (;;) {
        chunks += 1;
        yield BLOB;
      }
    };
    await expect(fixture.content.blobs.ensure(TERMS, endless)).rejects.toThrow('is longer than');
    // What is wrong is read once more.
    expect(chunks).toBe(2 * 2);
  });

  it('is added without a digest, also while the same one is fetched', async () => {
    const { blobs } = fixture.content;
    const { promise, open } = gate();
    const fetched = blobs.ensure(TERMS, async function* () {
      await promise;
      yield BLOB;
    });
    const added = blobs.add(bytesOf(BLOB.subarray(0, 3), BLOB.subarray(3)));
    await settle();
    open();
    await fetched;
    expect(await added).toEqual(TERMS);
    await expect(blobs.add(cut(BLOB))).rejects.toThrow('cut off');
    expect([await fixture.files('partial'), (await fixture.files('blobs/sha256')).length]).toEqual([[], 1]);
  });

  it('refuses what is no digest', async () => {
    const error = await errorOf(fixture.content.blobs.ensure({ digest: 'sha256:../../x' }, never));
    expect(error).toMatchObject({ code: 'invalid_argument' });
  });
});

describe('what no image has', () => {
  const interrupted = async (): Promise<void> => {
    await fixture.bring({ layers: ['A'] });
    await expect(fixture.content.blobs.ensure(TERMS, () => cut(BLOB.subarray(0, 7)))).rejects.toThrow('cut');
  };

  it('stays for an hour, and is collected by itself then', async () => {
    await interrupted();
    await fixture.clock.advance(HOUR - 1);
    expect(await fixture.bytes()).toBeGreaterThan(0);
    await fixture.clock.advance(1);
    await expect.poll(() => fixture.bytes()).toBe(0);
    expect([await fixture.files('layers'), await fixture.files('staging')]).toEqual([[], []]);
    await expect.poll(() => fixture.clock.pending).toBe(0);
  });

  it.each([HOUR, -HOUR])('has its time, though the wall clock jumps by %d ms', async (jump) => {
    await interrupted();
    await fixture.clock.advance(HOUR / 2);
    fixture.clock.jump(jump);
    await fixture.content.collect(HOUR);
    await fixture.clock.advance(HOUR / 2 - 1);
    expect(await fixture.bytes()).toBeGreaterThan(0);
    await fixture.clock.advance(1);
    await expect.poll(() => fixture.bytes()).toBe(0);
  });

  it('waits for its time over a restart, but for layers, which may be broken', async () => {
    await interrupted();
    await fixture.reopen();
    expect([await fixture.files('layers'), (await fixture.files('partial')).length]).toEqual([[], 4]);
    await fixture.clock.advance(HOUR);
    await expect.poll(() => fixture.bytes()).toBe(0);
  });

  it('of long ago is collected when the store is opened', async () => {
    await interrupted();
    const old = new Date(fixture.clock.now() - HOUR - 1000);
    await utimes(partialPath(), old, old);
    await fixture.reopen();
    expect(await fixture.files('partial')).not.toContain(DIGEST.slice('sha256:'.length));
  });

  it('is collected at once by a prune, to the byte, but not what is pinned', async () => {
    await interrupted();
    const kept = await fixture.bring({ layers: ['A', 'B'] });
    const blobs = [kept.digest, kept.configDigest, ...kept.layers.map(({ digest }) => digest)];
    const unpin = fixture.content.pin({ blobs, layers: kept.layers.map(({ diffId }) => diffId) });
    const before = await fixture.bytes();
    const { freed } = await fixture.store.prune({ all: false });
    const between = await fixture.bytes();
    expect([freed, (await fixture.files('layers')).length]).toEqual([before - between, 2]);
    await fixture.clock.advance(2 * HOUR);
    expect(await fixture.bytes()).toBe(between);
    unpin();
    unpin();
    await fixture.clock.advance(1);
    await expect.poll(() => fixture.bytes()).toBe(0);
  });

  it('does not begin its time anew while it is used, and no timer runs when all is used', async () => {
    await fixture.put({ references: ['docker.io/library/a:1'], layers: ['A'] });
    await fixture.clock.advance(3 * HOUR);
    expect([fixture.clock.pending, (await fixture.files('layers')).length]).toEqual([0, 1]);
  });
});
