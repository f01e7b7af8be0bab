import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LayerStore } from '../../../src/core/image/content/layer-store.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

let directory: string;
let store: LayerStore;

const staging = (): string => join(directory, 'staging');
const open = (): Promise<LayerStore> =>
  LayerStore.open({
    ...{ root: join(directory, 'layers'), staging: staging(), clock: createManualClock() },
    ...{ isNamed: () => false, keepsUnknown: () => false, log: pino({ level: 'silent' }) },
  });

const removeUnused = (isUsed: (diffId: string) => boolean): Promise<number> =>
  store.collect({ isUsed, before: Number.POSITIVE_INFINITY });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-layers-'));
  await mkdir(staging());
  store = await open();
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function fillWith(content: string): (layer: string) => Promise<number> {
  return async (layer) => {
    await writeFile(join(layer, 'file'), content);
    return content.length;
  };
}

/** What a layer waits for until the test says. */
function gateOf(): {
  promise: Promise<number>;
  resolve: (size: number) => void;
  reject: (error: Error) => void;
} {
  let resolve!: (size: number) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<number>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const contentOf = (diffId: string): Promise<string> => readFile(join(store.pathOf(diffId)!, 'file'), 'utf8');

describe('LayerStore', () => {
  it('fills a layer once for several who want it', async () => {
    let fills = 0;
    const fill = async (layer: string): Promise<number> => {
      fills += 1;
      return fillWith('x')(layer);
    };
    await Promise.all([store.ensure(A, fill), store.ensure(A, fill), store.ensure(A, fill)]);
    await store.ensure(A, fill);
    expect([fills, store.sizeOf(A), await contentOf(A)]).toEqual([1, 1, 'x']);
    store = await open();
    expect([store.sizeOf(A), await contentOf(A)]).toEqual([1, 'x']);
  });

  it('lets the next one try when the first fails, and keeps nothing of the failure', async () => {
    const gate = gateOf();
    const first = store.ensure(A, () => gate.promise);
    const second = store.ensure(A, fillWith('second'));
    gate.promise.catch(() => {});
    gate.reject(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await second;
    expect([await contentOf(A), await readdir(staging())]).toEqual(['second', []]);
  });

  it('lets one who waits give up', async () => {
    const gate = gateOf();
    const first = store.ensure(A, () => gate.promise);
    const controller = new AbortController();
    const waiting = store.ensure(A, fillWith('x'), controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    gate.resolve(0);
    await first;
  });

  it('removes what is neither used nor pinned', async () => {
    const unpin = store.pin([A]);
    const unpinAgain = store.pin([A]);
    await store.ensure(A, fillWith('a'));
    await store.ensure(B, fillWith('b'));
    unpin();
    unpin();
    await removeUnused((diffId) => diffId === B);
    expect([store.pathOf(A) === undefined, store.pathOf(B) === undefined]).toEqual([false, false]);
    unpinAgain();
    expect(await removeUnused(() => false)).toBe(2);
    expect([store.pathOf(A), store.pathOf(B)]).toEqual([undefined, undefined]);
    expect([await readdir(join(directory, 'layers')), await readdir(staging())]).toEqual([[], []]);
  });

  it('stay when an image that needs them comes while others are removed', async () => {
    await store.ensure(A, fillWith('a'));
    await store.ensure(B, fillWith('b'));
    const used = new Set<string>();
    const removing = removeUnused((diffId) => used.has(diffId));
    used.add(B);
    await removing;
    expect([store.pathOf(A) === undefined, store.pathOf(B) === undefined]).toEqual([true, false]);
  });
});
