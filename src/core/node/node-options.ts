import type { Logger } from 'pino';
import type { JanitorPace } from '../agent/recovery/janitor.ts';
import type { Clock } from '../model/clock.ts';
import type { Descriptors } from '../model/failure/descriptors.ts';
import type { CorePaths } from '../model/paths.ts';
import type { PoolMeter } from '../model/pool/pool.ts';
import type { PoolPolicyInput } from '../model/pool/pool-policy.ts';
import type { Sandbox } from '../model/sandbox/sandbox.ts';
import type { Tally } from '../model/tally.ts';
import type { RecordStore, RecordTable } from '../store/store.ts';

/** What a node is built with. */
export interface NodeOptions {
  paths: CorePaths;
  /** Directory of fsb-init and fsb-launch. */
  guestDirectory: string;
  /** A change of the default pool's policy, as a user writes it; see model/pool/pool-policy.ts. Kept for later cores. */
  pool: Partial<PoolPolicyInput>;
  /** Bytes of the log that are kept of each sandbox, at most. Default 48 MiB. */
  logSize?: number;
  /** Milliseconds that the log of a deleted sandbox is kept. Default 0: it goes with it. */
  logRetention?: number;
  /** How soon an instance goes that nobody holds. */
  janitor?: JanitorPace;
  /** False: pools keep nothing idle, whatever their policies say; a claim boots what it needs. */
  warm?: boolean;
  /** Where each pool counts what it does. */
  meter?: (pool: string) => PoolMeter;
  /** What its parts count. */
  tally: Tally;
  records: RecordStore;
  /** Those of the controller. */
  sandboxes: RecordTable<Sandbox>;
  descriptors: Descriptors;
  clock: Clock;
  log: Logger;
}
