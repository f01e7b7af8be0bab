import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnpackThread } from '../../../src/core/image/unpack/threads/unpack-thread.ts';
import type { UnpackJob } from '../../../src/core/image/unpack/worker/messages.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import type { PullEvent } from '../../../src/core/model/image/pull.ts';
import { errorOf } from '../../contract/workbench.ts';
import { limiter } from '../../helpers/descriptor-limit.ts';
import { launch } from '../../helpers/guest/guest-programs.ts';
import { addImage, tarOf } from '../../helpers/image/image-files.ts';
import { tinyImage } from '../../helpers/image/image-store-fixture.ts';
import { inState, usePullFixture } from '../../helpers/image/pull-fixture.ts';

/** Disks that become read-only under a pull, as the kernel makes them after an error, and cores without free descriptors. */

const images = usePullFixture();

beforeEach(async () => {
  await images.store.close();
  await mkdir(images.stateDirectory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', 'fsb-test', images.stateDirectory]);
  await images.open();
  const many = Array.from({ length: 4000 }, (_, at) => ({ name: `many/${at}`, content: `${at}` }));
  const layers = [await tarOf([...many, { name: 'file', content: 'right' }])];
  images.registries.tag('many', addImage(images.files, await tinyImage(undefined, '', { layers })));
});

afterEach(async () => {
  remount('rw');
  await images.store.close();
  execFileSync('umount', [images.stateDirectory]);
});

/** Not while a file is open for writing: then again. */
function remount(mode: 'ro' | 'rw'): void {
  for (;;) {
    try {
      execFileSync('mount', ['-o', `remount,${mode}`, images.stateDirectory], { stdio: 'pipe' });
      return;
    } catch (error) {
      if (!String((error as { stderr?: Buffer }).stderr).includes('busy')) throw error;
    }
  }
}

/** Pulls, and does something at the first event that is meant. */
async function pullWith(isMeant: (event: PullEvent) => boolean, happens: () => unknown): Promise<void> {
  let hasHappened = false;
  for await (const event of images.store.pull({ reference: 'tool:many' }))
    if (!hasHappened && isMeant(event)) {
      hasHappened = true;
      await happens();
    }
}

async function nothingIsThere(): Promise<void> {
  expect((await images.store.list()).map(({ references }) => references)).toEqual([['host']]);
  expect(await readdir(images.layersDirectory)).toEqual([]);
}

async function nextPullWorks(): Promise<void> {
  await images.pull('tool:many');
  expect(await images.contentOf('tool:many')).toBe('right');
  expect(await images.leftovers()).toEqual([]);
}

const READ_ONLY = {
  ...{ code: 'unavailable', message: expect.stringContaining('its file system can only be read') },
  hint: expect.stringContaining('look at dmesg'),
};

describe('a disk that becomes read-only', () => {
  it.each([
    ['before the blobs come', (event: PullEvent) => event.kind === 'resolved'],
    ['when the layer has come', inState('downloaded')],
    ['while it is unpacked', inState('unpacking')],
  ])('%s', async (_title, isMeant) => {
    const failure = await errorOf(pullWith(isMeant, () => remount('ro')));
    expect(failure).toMatchObject(READ_ONLY);
    remount('rw');
    await nothingIsThere();
    await nextPullWorks();
  });

  it('before the host image was ever built', async () => {
    remount('ro');
    expect(await errorOf(images.store.list())).toMatchObject(READ_ONLY);
    remount('rw');
    await nothingIsThere();
  });
});

describe('a core that has too many files open', () => {
  const files = limiter();
  afterEach(() => files.set(files.usual));
  it.each([
    ['before the blobs come', (event: PullEvent) => event.kind === 'resolved'],
    ['when the layer has come', inState('downloaded')],
    ['while it is unpacked', inState('unpacking')],
  ])('%s', async (_title, isMeant) => {
    // Fewer than are open.
    const failure = await errorOf(pullWith(isMeant, () => files.set(10)));
    await files.set(files.usual);
    expect(failure).toMatchObject({
      code: 'no_capacity',
      message: expect.stringContaining('too many files open'),
    });
    await nothingIsThere();
    await nextPullWorks();
  });

  it('that is why a thread finds no module, whatever it says', async () => {
    const script =
      "require('worker_threads').parentPort.once('message', () => { throw Error('cannot find it') })";
    const worker = new Worker(script, { eval: true });
    const thread = new UnpackThread({ clock: systemClock, launch, limits: {}, start: () => worker });
    await once(worker, 'online');
    await files.set(10);
    const failure = await errorOf(thread.run({} as UnpackJob));
    await files.set(files.usual);
    expect(failure).toMatchObject({
      code: 'no_capacity',
      message: 'cannot unpack the layer: the core has too many files open',
    });
  });
});
