import { beforeEach, describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { PullEvent } from '../../../../src/core/model/image/pull.ts';
import {
  type CommandLineOptions,
  runCommandLine,
  startCommandLine,
} from '../../../helpers/cli/command-line.ts';
import { imageInfo } from '../../../helpers/image/image-info.ts';
import { type PullingCore, pullingCore } from '../../../helpers/image/pulling-core.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const reference = 'docker.io/library/alpine:3';
const image = imageInfo({ references: [reference], digest });
const done = (upToDate: boolean): PullEvent => ({ kind: 'done', reference, digest, upToDate, image });
const layer = (
  id: string,
  state: 'waiting' | 'downloading' | 'downloaded' | 'done' | 'present',
  current = 0,
) => ({
  ...{ id, state, current, total: 12_000_000 },
});

/** Two layers, one of which was here. */
async function* twoLayers(): AsyncGenerator<PullEvent> {
  yield { kind: 'resolved', reference, digest, layers: [layer('aaa', 'present'), layer('bbb', 'waiting')] };
  yield { kind: 'layer', layer: layer('bbb', 'downloading', 1) };
  yield { kind: 'layer', layer: layer('bbb', 'downloading', 2_000_000) };
  yield { kind: 'note', message: 'the mirror m is asked instead\u001b[2J' };
  yield { kind: 'layer', layer: layer('bbb', 'downloaded') };
  yield { kind: 'layer', layer: { ...layer('bbb', 'done'), state: 'unpacking' } };
  yield { kind: 'layer', layer: layer('bbb', 'done') };
  yield done(false);
}

/** Hangs after its first layer, until it is told to stop. */
async function* stuck(signal?: AbortSignal): AsyncGenerator<PullEvent> {
  yield { kind: 'resolved', reference, digest, layers: [layer('aaa', 'downloading', 3_000_000)] };
  await new Promise<void>((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve());
  });
  throw new FsbError('cancelled', 'the call was cancelled');
}

let world: PullingCore;
const fsb = (line: string, options: CommandLineOptions = {}) =>
  runCommandLine(line.split(' '), { core: world.core, env: { HOME: '/nonexistent' }, ...options });

beforeEach(() => {
  world = pullingCore(() => twoLayers());
});

describe('image pull', () => {
  it('prints the reference, and on stderr a line for every change', async () => {
    const { code, stdout, stderr } = await fsb('pull alpine:3');
    expect([code, stdout]).toEqual([0, `${reference}\n`]);
    expect(stderr).toBe(`3: Pulling from library/alpine
aaa: Already exists
bbb: Pulling fs layer
the mirror m is asked instead?[2J
bbb: Download complete
bbb: Pull complete
Digest: ${digest}
Status: Downloaded newer image for alpine:3
`);
    expect(world.pulls).toEqual([{ reference: 'alpine:3', platform: undefined, credentials: undefined }]);
  });

  it('says that nothing has changed', async () => {
    world = pullingCore(async function* () {
      yield { kind: 'resolved', reference, digest, layers: [] };
      yield done(true);
    });
    expect((await fsb('image pull alpine:3')).stderr).toMatch(
      /\nStatus: Image is up to date for alpine:3\n$/,
    );
  });

  it('prints one object with -o json, and the reference alone with -q', async () => {
    const json = await fsb('image pull alpine:3 -o json');
    expect(json.stderr).toBe('');
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ reference, digest, up_to_date: false },
      image: { references: [reference], architecture: 'amd64' },
    });
    for (const flags of ['-q', '-o name -q'])
      expect(await fsb(`image pull alpine:3 ${flags}`)).toEqual({
        code: 0,
        stdout: `${reference}\n`,
        stderr: '',
      });
  });

  it('asks for a platform in its one spelling', async () => {
    await fsb('image pull --platform aarch64 alpine:3');
    expect(world.pulls).toMatchObject([{ platform: 'linux/arm64' }]);
    expect((await fsb('image pull --platform linux/arm65 alpine:3')).stderr).toContain('arm64?');
  });

  it.each([false, true])('ends at ctrl-C with a word about the next pull, terminal: %s', async (tty) => {
    world = pullingCore((_, signal) => stuck(signal));
    const line = startCommandLine(['pull', 'alpine:3'], {
      core: world.core,
      tty,
      env: { HOME: '/nonexistent' },
    });
    await line.stderr.until('Pulling from');
    line.events.emit('SIGINT');
    expect([await line.code, line.stdout.text]).toEqual([130, '']);
    expect(line.stderr.text).toMatch(
      /Interrupted: another pull of alpine:3 goes on where this one stopped\.\n$/,
    );
    expect([line.events.eventNames(), line.stderr.listenerCount('resize')]).toEqual([[], 0]);
  });

  it('is one object on stderr when it fails under -o json', async () => {
    world = pullingCore(() => undefined);
    const { code, stdout, stderr } = await fsb('pull missing -o json');
    expect([code, stdout, JSON.parse(stderr).error.code]).toEqual([3, '', 'image_not_found']);
  });

  it('leaves the last state of the layers when it fails on a terminal', async () => {
    world = pullingCore(async function* () {
      yield { kind: 'resolved', reference, digest, layers: [layer('aaa', 'downloading')] };
      throw new FsbError('unavailable', 'the registry went away');
    });
    const line = startCommandLine(['pull', 'alpine:3'], {
      core: world.core,
      tty: true,
      env: { HOME: '/nonexistent' },
    });
    expect(await line.code).toBe(6);
    expect(line.stderr.text).toMatch(/aaa: Downloading .*\n.*Error: the registry went away\n$/);
  });
});

describe('a digest alone', () => {
  it('is pulled by nobody', async () => {
    for (const line of [`pull sha256:${'a'.repeat(64)}`, 'pull sha256:abcdefabcdef']) {
      const { code, stderr } = await fsb(line);
      expect([code, stderr]).toEqual([2, expect.stringContaining('alpine@sha256:')]);
    }
    expect(world.pulls).toEqual([]);
  });
});
