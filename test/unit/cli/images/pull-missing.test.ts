import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { ImageInfo } from '../../../../src/core/model/image/image.ts';
import {
  type CommandLineOptions,
  runCommandLine,
  startCommandLine,
} from '../../../helpers/cli/command-line.ts';
import { type PullingCore, pullingCore } from '../../../helpers/image/pulling-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

let world: PullingCore;
let directory: string;
const options = (more: CommandLineOptions = {}): CommandLineOptions => ({
  ...{ core: world.core, cwd: directory, env: { HOME: directory } },
  ...more,
});
const fsb = (line: string, more: CommandLineOptions = {}) => runCommandLine(line.split(' '), options(more));
const pulled = (): string[] => world.pulls.map(({ reference }) => reference);

/** From now on `inspect` says so of every image. */
function imagesAre(parts: Partial<ImageInfo>): void {
  const { images } = world.core;
  const inspect: typeof images.inspect = async (name) => ({ ...(await images.inspect(name)), ...parts });
  world.core = { ...world.core, images: { ...images, inspect } };
}

beforeEach(async () => {
  world = pullingCore();
  directory = await mkdtemp(join(tmpdir(), 'fsb-pull-'));
});

afterEach(async () => {
  await world.core.close();
  await rm(directory, { recursive: true });
});

describe.each([
  ['run box --rm --image tool:1 echo hi', 'hi\n'],
  ['pool run --image tool:1 echo hi', 'hi\n'],
  ['pool run --lease --image tool:1 echo hi', 'hi\n'],
])('%s', (line, stdout) => {
  const flagged = (flags: string): string => line.replace(' --image', ` ${flags} --image`);

  it('pulls what is missing, once, with progress on stderr', async () => {
    const first = await fsb(line);
    expect([first.code, first.stdout]).toEqual([0, stdout]);
    expect(first.stderr).toMatch(
      /^Image tool:1 is not here\.\n1: Pulling from .*\n(.*\n)+Status: Downloaded/,
    );
    const second = await fsb(line);
    expect([second.code, second.stdout]).toEqual([0, stdout]);
    expect(second.stderr).not.toContain('Pulling');
    expect(pulled()).toEqual(['tool:1']);
  });

  it('pulls each time with --pull always, and says that it is here', async () => {
    for (const _ of [1, 2]) expect((await fsb(flagged('--pull always'))).code).toBe(0);
    expect(pulled()).toEqual(['tool:1', 'tool:1']);
  });

  it('pulls nothing with --pull never, and names what would', async () => {
    const { code, stdout, stderr } = await fsb(flagged('--pull never'));
    expect([code, stdout, pulled()]).toEqual([3, '', []]);
    expect(stderr).toMatch(/tool:1.*\nHint: Pull it with: fsb-ctl image pull tool:1\n$/);
  });

  it('says nothing about the pull with -q', async () => {
    const { code, stderr } = await fsb(flagged('-q'));
    expect([code, stderr.replace(/^Lease: .*\n/, '')]).toEqual([0, '']);
  });

  it('tells why it cannot be pulled', async () => {
    const { code, stderr } = await fsb(line.replace('tool:1', 'missing'));
    expect([code, stderr]).toEqual([3, expect.stringContaining('its registry does not have it')]);
  });
});

describe('run', () => {
  it('asks what was meant by a name that no registry has', async () => {
    const missing = new FsbError('image_not_found', 'image hots is not here', {
      hint: 'Did you mean host? Bring it in.',
    });
    const create = (): Promise<never> => Promise.reject(missing);
    world.core = { ...world.core, sandboxes: { ...world.core.sandboxes, create } as never };
    const { code, stderr } = await fsb('run a --image missing sleep 60');
    expect([code, stderr]).toEqual([
      3,
      expect.stringContaining('\nHint: Did you mean host? Check the name.'),
    ]);
  });

  it('never pulls the host image, nor a digest that nothing has', async () => {
    expect((await fsb('run a --pull always --image host sleep 60')).code).toBe(0);
    expect((await fsb(`run b --image sha256:${'a'.repeat(64)} sleep 60`)).code).toBe(3);
    expect(pulled()).toEqual([]);
  });

  it('pulls once more when the image was removed meanwhile, and then gives up', async () => {
    const { sandboxes } = world.core;
    let creations = 0;
    const create: typeof sandboxes.create = async (request) => {
      creations += 1;
      if (creations > 2) world.here.length = 1;
      if (creations !== 2) throw new FsbError('image_not_found', 'image tool:1 is not here');
      world.here.length = 1;
      return sandboxes.create(request);
    };
    world.core = { ...world.core, sandboxes: bound(sandboxes, { create }) };
    expect((await fsb('run box --image tool:1 sleep 60')).code).toBe(3);
    expect([creations, pulled()]).toEqual([3, ['tool:1', 'tool:1']]);
  });

  it('finds what is wrong before it pulls', async () => {
    await fsb('run box --image host sleep 60');
    expect((await fsb('run box --image tool:1 sleep 60')).code).toBe(4);
    expect((await fsb('run other --image tool:1 --memory 1 sleep 60')).code).toBe(2);
    expect(pulled()).toEqual([]);
  });

  it('keeps the promise of --id-file around a pull', async () => {
    expect((await fsb('run box --image tool:1 --id-file id sleep 60')).code).toBe(0);
    expect(await readFile(join(directory, 'id'), 'utf8')).toMatch(/^[0-9a-f]{32}$/);
    expect((await fsb('run other --image new:1 --id-file id sleep 60')).code).toBe(4);
    expect((await fsb('run other --image missing --id-file id2 sleep 60')).code).toBe(3);
    await expect(access(join(directory, 'id2'))).rejects.toThrow('ENOENT');
    expect(pulled()).toEqual(['tool:1', 'missing']);
  });

  it('hands the same idempotency key to both creations', async () => {
    const keys: unknown[] = [];
    const { sandboxes } = world.core;
    const create: typeof sandboxes.create = (request) => {
      keys.push(request.idempotencyKey);
      return sandboxes.create(request);
    };
    world.core = { ...world.core, sandboxes: bound(sandboxes, { create }) };
    await fsb('run box --image tool:1 --idempotency-key k sleep 60');
    expect(keys).toEqual(['k', 'k']);
  });

  it('creates of what it pulled, or found for the platform, whatever the tag means by then', async () => {
    const created: [string, string | undefined][] = [];
    const { sandboxes } = world.core;
    const create: typeof sandboxes.create = (request) => {
      created.push([request.spec.image, request.imageDigest]);
      return sandboxes.create(request);
    };
    world.core = { ...world.core, sandboxes: bound(sandboxes, { create }) };
    const { digest, architecture } = await world.core.images.inspect('host');
    await fsb('run a --image tool:1 sleep 60');
    await fsb('run b --image tool:1 sleep 60');
    await fsb('run c --pull always --image tool:1 sleep 60');
    await fsb(`run d --platform linux/${architecture} --image tool:1 sleep 60`);
    await fsb(`run e --platform linux/${architecture} --image host sleep 60`);
    expect(created).toEqual([
      ['tool:1', undefined],
      ['tool:1', digest],
      ['tool:1', undefined],
      ['tool:1', digest],
      ['tool:1', digest],
      ['host', undefined],
    ]);
  });

  it.each(['run', 'lease'] as const)('has a pool %s of what it pulled', async (what) => {
    const asked: (string | undefined)[] = [];
    const { pools } = world.core;
    const spied = {
      run: (...[request, options]: Parameters<typeof pools.run>) => {
        asked.push(request.imageDigest);
        return pools.run(request, options);
      },
      lease: (...[request, options]: Parameters<typeof pools.lease>) => {
        asked.push(request.imageDigest);
        return pools.lease(request, options);
      },
    };
    world.core = { ...world.core, pools: bound(pools, spied) };
    const { digest } = await world.core.images.inspect('host');
    const line = what === 'run' ? 'pool run' : 'pool run --lease';
    await fsb(`${line} --image tool:1 true`);
    await fsb(`${line} --pull always --image tool:1 true`);
    expect(asked).toEqual([undefined, digest, digest]);
  });

  it('pulls for a platform when the image that is here is for another one', async () => {
    world.here.push('tool:1');
    imagesAre({ architecture: 'amd64' });
    await fsb('run a --platform linux/amd64 --image tool:1 sleep 60');
    expect(pulled()).toEqual([]);
    const never = await fsb('run b --pull never --platform linux/arm64 --image tool:1 sleep 60');
    expect(never.stderr).toBe(
      'Error: image tool:1 is here for linux/amd64, not for linux/arm64\nHint: Pull it with: fsb-ctl image pull --platform linux/arm64 tool:1\n',
    );
    expect((await fsb('run c --platform linux/arm64 --image tool:1 sleep 60')).code).toBe(0);
    expect(world.pulls).toMatchObject([{ reference: 'tool:1', platform: 'linux/arm64' }]);
    expect((await fsb('run d --platform linux/arm64 --image host sleep 60')).code).toBe(2);
  });

  it.each([
    ['v7', 'linux/arm/v7', 0],
    ['v6', 'linux/arm/v7', 1],
    ['', 'linux/arm/v7', 0],
    ['v7', 'linux/arm', 0],
  ])('takes variant %j for %s, or pulls %#', async (variant, platform, count) => {
    world.here.push('tool:1');
    imagesAre({ architecture: 'arm', variant });
    await fsb(`run a --platform ${platform} --image tool:1 sleep 60`);
    expect(pulled()).toHaveLength(count);
  });

  it('prints one object, and one error, under -o json', async () => {
    const made = await fsb('run box -o json --image tool:1 sleep 60');
    expect([JSON.parse(made.stdout).name, made.stderr]).toEqual(['box', '']);
    const failed = await fsb('run other -o json --image missing sleep 60');
    expect(JSON.parse(failed.stderr).error.code).toBe('image_not_found');
  });

  it('gives up at its --timeout while it pulls', async () => {
    const clock = createManualClock();
    world = pullingCore(async function* (_, signal) {
      yield { kind: 'note', message: 'slow' };
      await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    });
    const argv = 'run box --image tool:1 --timeout 5s sleep 60'.split(' ');
    const line = startCommandLine(argv, options({ clock }));
    await line.stderr.until('slow');
    await clock.advance(5000);
    expect(await line.code).toBe(124);
    expect(line.stderr.text).toContain('not done within 5s');
  });

  it('takes the words for the command when the entrypoint is cleared', async () => {
    const argv = ['run', 'box', '--image', 'host', '--entrypoint', '', '--', 'sleep', '60'];
    expect((await runCommandLine(argv, options())).code).toBe(0);
    const { spec } = JSON.parse((await fsb('get box -o json')).stdout);
    expect(spec).toMatchObject({ command: ['sleep', '60'] });
  });
});

describe('pools', () => {
  it.each(['pool create ci --warm tool:1=1,host=0', 'pool start ci --warm tool:1=1 --no-wait'])(
    '%s pulls what is missing',
    async (line) => {
      expect((await fsb(`${line} --pull never`)).code).toBe(3);
      expect(pulled()).toEqual([]);
      const { code, stderr } = await fsb(line);
      expect([code, stderr]).toEqual([
        0,
        expect.stringContaining('Status: Downloaded newer image for tool:1'),
      ]);
      expect(pulled()).toEqual(['tool:1']);
    },
  );

  it('pulls for an update, and always with --pull always', async () => {
    await fsb('pool update default-pool --warm tool:1=1');
    await fsb('pool update default-pool --warm tool:1=1');
    await fsb('pool update default-pool --warm host,tool:1=1 --pull always');
    expect(pulled()).toEqual(['tool:1', 'tool:1']);
  });

  it('pulls what a pool kept warm before it starts again', async () => {
    await fsb('pool create ci --warm tool:1=1');
    world.here.length = 1;
    await fsb('pool start ci --no-wait');
    expect(pulled()).toEqual(['tool:1', 'tool:1']);
  });

  it('runs in the first warm image of the pool, which is pulled when it has gone', async () => {
    await fsb('pool create ci --warm tool:1=1');
    world.here.length = 1;
    expect((await fsb('pool run --pool ci echo hi')).stdout).toBe('hi\n');
    expect(pulled()).toEqual(['tool:1', 'tool:1']);
  });
});

/** The same, with some of its methods replaced. */
function bound<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (key in replaced) return replaced[key as keyof T];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
