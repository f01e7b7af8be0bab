import { mkdtemp, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pino } from 'pino';
import type { JanitorPace } from '../../../src/core/agent/recovery/janitor.ts';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { ifThere } from '../../../src/core/client/deed.ts';
import { type RunningCore, startCore } from '../../../src/core/daemon.ts';
import type { Clock } from '../../../src/core/model/clock.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import { buildGuest, guestDirectory } from '../guest/guest-programs.ts';
import { deleteSandboxes } from './delete-sandboxes.ts';
import { traces } from './traces.ts';

export { buildGuest, guestDirectory };

export const repository = resolve(import.meta.dirname, '../../..');

export interface RealCore {
  root: string;
  running: RunningCore;
  /** The same core over its unix sockets. */
  remote: CoreApi;
  /** Deletes every sandbox, releases every lease, stops the core, and checks that nothing of it is left on the machine. */
  close(): Promise<void>;
}

export interface RealCoreOptions {
  pool?: Record<string, unknown>;
  /** A directory that a core used before. */
  root?: string;
  grpc?: string;
  /** `host:port`; left out: none. */
  metrics?: string;
  clock?: Clock;
  /** How soon an instance goes that nobody holds. */
  janitor?: JanitorPace;
}

/** The short path keeps sockets below it within their 107 bytes. */
export const makeRoot = (): Promise<string> => mkdtemp('/tmp/fsb-t-');

/** The real core in this process: real runc, real guests, real records, on a root of its own. */
export async function startRealCore(options: RealCoreOptions = {}): Promise<RealCore> {
  buildGuest();
  const root = options.root ?? (await makeRoot());
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const running = await startCore({
    paths,
    guestDirectory,
    version: 'test',
    onLockLost: () => process.exit(1),
    pool: { warm: [{ image: 'host', count: 2 }], capacity: { max: 64 }, ...options.pool },
    http: '127.0.0.1:0',
    grpc: options.grpc ?? '127.0.0.1:0',
    ...(options.metrics ? { metrics: options.metrics } : {}),
    ...(options.clock ? { clock: options.clock } : {}),
    ...(options.janitor ? { janitor: options.janitor } : {}),
    log: pino({ level: process.env.FSB_TEST_LOG ?? 'silent' }),
  });
  const remote = connectCore({ grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` });
  return {
    root,
    running,
    remote,
    async close() {
      const { sandboxes, pools } = running.api;
      await deleteSandboxes(sandboxes);
      for (const lease of await pools.leases()) await ifThere(pools.release(lease.id));
      await remote.close();
      await running.close();
      const left = await traces(root);
      await rm(root, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`the core left behind:\n${left.join('\n')}`);
    },
  };
}
