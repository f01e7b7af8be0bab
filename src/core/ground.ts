import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Cleanup } from './cleanup.ts';
import { SANDBOX_RECORD_VERSION } from './controller/records/registry.ts';
import { isSandboxRecord } from './controller/records/sandbox-record.ts';
import type { Clock } from './model/clock.ts';
import { assertEnoughDescriptors, Descriptors } from './model/failure/descriptors.ts';
import { failpoint } from './model/failure/failpoint.ts';
import type { CorePaths } from './model/paths.ts';
import type { Sandbox } from './model/sandbox/sandbox.ts';
import { newTally, type Tally } from './model/tally.ts';
import { acquireLock } from './root/lock.ts';
import { makePrivateDirectory } from './root/private-directory.ts';
import { readStatus, setStatusAside } from './root/status-file.ts';
import { openRecordStore } from './store/record-store.ts';
import type { RecordStore, RecordTable } from './store/store.ts';

export interface GroundOptions {
  paths: CorePaths;
  /** Directory of fsb-init and fsb-launch. */
  guestDirectory: string;
  /** Milliseconds to wait for another core of this root to end; default two seconds. */
  lockWait?: number;
  log: Logger;
  clock: Clock;
  /** Must end this process at once and in any way but close(): what runs may belong to another core by now. */
  onLockLost: () => void;
}

export interface Ground {
  descriptors: Descriptors;
  records: RecordStore;
  /** Opened before anything is recovered: what it cannot read casts doubt on what seems unwanted. */
  sandboxes: RecordTable<Sandbox>;
  /** What the parts count. */
  tally: Tally;
}

/** How long a core that starts waits for one that is just ending. */
const LOCK_WAIT = 2_000;

/**
 * What everything on one root stands on: its lock, its directories, its records.
 * @throws conflict (another core has this root), no_capacity (no room on the disk, too few descriptors)
 */
export async function openGround(options: GroundOptions, cleanup: Cleanup): Promise<Ground> {
  const { paths, log, clock, lockWait = LOCK_WAIT } = options;
  assertEnoughDescriptors();
  const descriptors = new Descriptors(clock, log);
  for (const directory of [paths.state, paths.run]) makePrivateDirectory(directory);
  const launch = join(options.guestDirectory, 'fsb-launch');
  const lock = await acquireLock(launch, paths.lock, lockWait, () => readStatus(paths.status));
  cleanup.add('lock', () => lock.release());
  void lock.lost.then(() => {
    log.fatal(
      'the lock was lost: another core may take this root over, so this one leaves everything as it is',
    );
    options.onLockLost();
  });
  failpoint('serve.locked');
  // What a killed core said of itself must not be taken for this one.
  await setStatusAside(paths.status);
  const tally = newTally();
  const records = await openRecordStore({
    ...{ directory: join(paths.state, 'records'), clock, tally: tally.store },
    log: log.child({ component: 'store' }),
  });
  cleanup.add('records', () => records.close());
  void records.over.then((err) =>
    log.fatal({ err }, 'the disk failed under the records: sandboxes run on without a core'),
  );
  const sandboxes = records.table<Sandbox>('sandboxes', SANDBOX_RECORD_VERSION, { fits: isSandboxRecord });
  return { descriptors, records, sandboxes, tally };
}
