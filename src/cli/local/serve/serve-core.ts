import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type CoreOptions, startCore } from '../../../core/daemon.ts';
import { isDiskFull } from '../../../core/model/failure/disk-full.ts';
import { FsbError, recoded } from '../../../core/model/failure/errors.ts';
import type { CorePaths } from '../../../core/model/paths.ts';
import type { PoolPolicyInput } from '../../../core/model/pool/pool-policy.ts';
import type { CoreStatus } from '../../../core/root/status-file.ts';
import { Interrupted, STOPPING } from '../../command/interruption.ts';
import type { ProcessEvents } from '../../terminal/world.ts';
import type { StartReport } from '../daemon/first-word.ts';
import { guestDirectory } from '../guest-directory.ts';
import { openCoreLog } from '../log/core-log.ts';
import { listeningOn } from './listening.ts';

export interface ServeOptions {
  paths: CorePaths;
  packageRoot: string;
  version: string;
  /** `host:port`, or `off`; undefined: as ./listening.ts. */
  http?: string;
  metrics?: string;
  grpc?: string;
  /** All of these and of `pool`, as words of a command line. */
  flags: readonly string[];
  security?: CoreOptions['security'];
  /** Bytes; undefined: the core's default. */
  logSize?: number;
  /** Milliseconds; undefined: the core's default. */
  logRetention?: number;
  pool: Partial<PoolPolicyInput>;
  logLevel: string;
  /** Gets a StartReport as one line of JSON, and is closed then. */
  readyFd?: number;
  /** Called when the core is ready. */
  ready: (status: CoreStatus) => Promise<void>;
  events: ProcessEvents;
}

/** Other daemons are told something by them, and by the first Node is told to open its debugger; a core has no use for either. */
const MEANINGLESS: readonly NodeJS.Signals[] = ['SIGUSR1', 'SIGUSR2'];

/**
 * Runs the core in this process until SIGTERM or another signal that ends a process, but for SIGUSR1 and SIGUSR2.
 * @throws unavailable when it cannot start, or the disk failed under its records, after it has ended in order
 */
export async function serveCore(options: ServeOptions): Promise<void> {
  const { paths, events } = options;
  let asked: Interrupted | undefined;
  const stopped = new Promise<void>((resolve) => {
    for (const [signal, code] of STOPPING)
      if (!MEANINGLESS.includes(signal))
        events.on(signal, () => {
          asked ??= new Interrupted(code);
          resolve();
        });
  });
  const log = openCoreLog(paths, options.logLevel);
  for (const signal of MEANINGLESS)
    events.on(signal, () => log.info({ signal }, 'a signal without a meaning'));
  const core = await startCore({
    paths,
    guestDirectory: guestDirectory(options.packageRoot),
    version: options.version,
    pool: options.pool,
    flags: options.flags,
    log,
    onLockLost: () => process.exit(1),
    ...listeningOn(options, options.security?.tls !== undefined),
    ...(options.security === undefined ? {} : { security: options.security }),
    ...(options.logSize === undefined ? {} : { logSize: options.logSize }),
    ...(options.logRetention === undefined ? {} : { logRetention: options.logRetention }),
  }).catch((error: unknown) => {
    // Its helpers end with the same keys, and have nothing to say of it.
    if (asked) throw asked;
    log.fatal({ err: error }, 'cannot start');
    const told = startError(error, options);
    // On a full disk it could not read it in what this process prints.
    if (options.readyFd !== undefined) tellStarter(options.readyFd, { error: told.toBody() });
    throw recoded(told, 'run_failed', 'unavailable');
  });
  if (options.readyFd !== undefined) tellStarter(options.readyFd, core.status);
  await options.ready(core.status);
  const failure = await Promise.race([stopped, core.failed]);
  log.info('stopping');
  await core.close();
  log.info('stopped');
  // A service manager starts the next one for that.
  if (failure) throw failure;
}

function startError(error: unknown, { paths, pool }: ServeOptions): FsbError {
  const known = FsbError.from(error);
  if (known.code === 'image_not_found') return notHere(known, pool);
  return isDiskFull(known.cause) ? byHand(known, paths) : known;
}

/** What the usual hint says to do takes a core. */
const byHand = (error: FsbError, { state, log }: CorePaths): FsbError =>
  new FsbError(error.code, error.message, {
    hint:
      `A core that cannot start can remove nothing: make some room on the disk by hand. Of its own files these can go: ` +
      `${log}, and what pulls have left in ${join(state, 'images/partial')}.`,
    cause: error,
  });

/** Nobody's credentials are at hand here; the pool's own command has them, and shows how far the pull is. */
function notHere(error: FsbError, { warm = [] }: Partial<PoolPolicyInput>): FsbError {
  const words = warm.map(({ image, count }) => (count === undefined ? image : `${image}=${count}`));
  return new FsbError('image_not_found', `${error.message}, and a core that starts does not pull`, {
    hint: `Start it without --warm; this pulls first: fsb-ctl pool start --warm ${words.join(',')}`,
    cause: error,
  });
}

function tellStarter(fd: number, told: StartReport): void {
  try {
    writeSync(fd, `${JSON.stringify(told)}\n`);
    closeSync(fd);
  } catch (error) {
    // Whoever started it did not wait: the core is no worse for that.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
    throw new FsbError('invalid_argument', `cannot write to descriptor ${fd} of --ready-fd`, {
      cause: error,
    });
  }
}
