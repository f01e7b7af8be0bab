import type { CoreApi, SystemInfo } from '../../../src/core/api/core-api.ts';
import { FsbError } from '../../../src/core/model/errors.ts';
import type { ImageInfo } from '../../../src/core/model/image.ts';
import type { PoolShapeStatus } from '../../../src/core/model/pool.ts';
import { HostSandboxes } from './host-sandboxes.ts';
import type { HostSession } from './host-session.ts';

export interface ProcessCore extends CoreApi {
  /** Sessions that nobody has let go of. */
  readonly openSessions: ReadonlySet<HostSession>;
}

const image: ImageInfo = {
  references: ['host'],
  digest: `sha256:${'0'.repeat(64)}`,
  size: 0,
  architecture: 'amd64',
  importedAt: 1_700_000_000_000.5,
};

const pool: PoolShapeStatus = {
  ...{
    pool: 'default-pool',
    shape: '0123456789abcdef',
    image: 'host',
    max: 8,
    idle: 4,
    claimed: 1,
    booting: 0,
  },
  ...{ stopping: 0, waiting: 0, hits: 3, misses: 1, evicted: 0, p50: 0.6, p99: 2.25 },
};

const system: SystemInfo = {
  ...{ version: '0.1.0', node: 'here', pid: process.pid, root: '/', runtime: 'none', http: '', metrics: '' },
  ...{ cgroups: 'v2', startedAt: 1_700_000_000_000 },
};

/**
 * A core over plain children of this machine, with no isolation and no durability: a partner for the tests of the
 * wire, where what matters is that real processes, bytes, signals and errors cross it unchanged.
 */
export function processCore(): ProcessCore {
  const sandboxes = new HostSandboxes();
  const close = (): Promise<void> => sandboxes.close();
  return {
    sandboxes,
    openSessions: sandboxes.openSessions,
    pools: { status: async () => [pool] },
    images: {
      import: async ({ path }) => {
        throw new FsbError('not_found', `cannot import ${path}: there is no such file`, {
          hint: 'Check the path.',
        });
      },
      list: async () => [image],
      remove: async (reference) => {
        if (reference === 'host') throw new FsbError('conflict', 'the image host is built in');
        throw new FsbError('not_found', `there is no image ${reference}`, {
          hint: 'See `fsb-ctl image list`.',
        });
      },
    },
    system: { info: async () => system },
    close,
    [Symbol.asyncDispose]: close,
  };
}
