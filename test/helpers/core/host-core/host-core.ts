import type { CoreApi, SystemInfo } from '../../../../src/core/api/core-api.ts';
import type { LogUsage } from '../../../../src/core/model/system.ts';
import { hostImages } from './host-images.ts';
import { HostPools } from './host-pools.ts';
import { HostSandboxes } from './host-sandboxes.ts';
import type { HostSession } from './host-session.ts';

export interface HostCore extends CoreApi {
  /** Sessions that nobody has let go of. */
  readonly openSessions: ReadonlySet<HostSession>;
}

const system: SystemInfo = {
  ...{ version: '0.1.0', node: 'here', pid: process.pid, root: '/', runtime: 'none', http: '', metrics: '' },
  ...{
    cpus: 2,
    memory: 8 * 1024 ** 3,
    kernel: '6.1.0',
    system: 'Debian GNU/Linux 12',
    architecture: 'amd64',
  },
  ...{ cgroups: 'v2', startedAt: 1_700_000_000_000, logBytes: 0, flags: ['--http=off', '--grpc=a b'] },
};

const setAside = [{ path: '/records.aside-1', size: 9 }];

/**
 * A core over plain children of this machine, with no isolation and no durability: a partner for the tests of the
 * wire, where what matters is that real processes, bytes, signals and errors cross it unchanged.
 *
 * @param images names that it knows, also those that are added later; all of them stand for this machine
 */
export function hostCore(images: readonly string[] = ['host']): HostCore {
  const sandboxes = new HostSandboxes(images);
  const pools = new HostPools(images, sandboxes.openSessions);
  const retained: LogUsage[] = [
    { sandboxId: 'b0', size: 5, deleted: { namespace: 'default', name: 'gone', at: 2.5 } },
  ];
  const close = async (): Promise<void> => {
    await Promise.all([sandboxes.close(), pools.close()]);
  };
  return {
    sandboxes,
    openSessions: sandboxes.openSessions,
    pools,
    images: hostImages(images),
    system: {
      info: async () => system,
      usage: async () => ({
        images: { size: 3, reclaimable: 2, leftovers: 1 },
        instances: [
          { id: 'i1', pool: 'p', holder: 'sandbox' as const, sandboxId: 'b1', files: 10, memory: 20 },
          { id: 'i2', pool: '', holder: 'nobody' as const, files: 0, memory: 0 },
        ],
        logs: [{ sandboxId: 'b1', size: 7 }, ...retained],
        records: { count: 4, size: 8192 },
        setAside,
        trash: 5,
      }),
      health: async () => ({
        records: { count: 4, size: 8192, failure: { at: 1.5, message: 'no room', over: true } },
        ...{ setAside, logs: 7, damagedLogs: ['b1'], disk: { free: 1, total: 2 }, stuck: ['i2'] },
        unsettled: [{ instance: 'i3', sandboxId: 's3', reason: 'busy' }],
        recovery: { running: 1, leases: 2, idle: 3, files: 4, destroyed: 5, lost: 6, failed: 7 },
      }),
      retainedLogs: async () => [...retained],
      removeLogs: async (ids) => void retained.splice(0, ids.includes('b0') ? 1 : 0),
      removeSetAside: async () => setAside,
      events: (query, options) => pools.events.read(query, options),
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
