import { writeSync } from 'node:fs';
import type { CoreApi } from '../../../core/api/core-api.ts';
import { startCore } from '../../../core/daemon.ts';
import { FsbError, recoded } from '../../../core/model/failure/errors.ts';
import type { LocalCore } from '../daemon/local-core.ts';
import { answeringCore } from '../daemon/running-core.ts';
import { guestDirectory } from '../guest-directory.ts';
import { openCoreLog } from '../log/core-log.ts';
import { logLevel } from '../log/log-level.ts';

/** Commands with a core of their own take turns; one of them usually takes less. */
const TURN = 30_000;

/**
 * A core in this process, for one command. Closing it destroys what is idle; sandboxes live on, and the next core, this
 * kind or the other, takes them up.
 * @throws conflict when another core has the root, unavailable when it cannot start
 */
export async function openEmbeddedCore(local: LocalCore, version: string): Promise<CoreApi> {
  const { paths, packageRoot, env } = local;
  const level = logLevel(env);
  const running = await answeringCore(local);
  if (running !== undefined)
    throw new FsbError(
      'conflict',
      `cannot run an embedded core on ${paths.root}: a core runs there already (pid ${running.pid})`,
      { hint: 'Talk to that one, without embedded:, or stop it with: fsb-ctl daemon stop' },
    );
  const { api } = await startCore({
    paths,
    guestDirectory: guestDirectory(packageRoot),
    version,
    pool: {},
    embedded: true,
    lockWait: TURN,
    log: openCoreLog(paths, level),
    onLockLost: () => endWithoutLock(paths.root),
  }).catch((error: unknown) => {
    throw recoded(error, 'run_failed', 'unavailable');
  });
  return api;
}

/** What is under way is for the next core to take up: nothing may be written, and nobody waited for. */
function endWithoutLock(root: string): never {
  const hint = 'The helper that held it has ended. What ran goes on: fsb-ctl list';
  writeSync(
    process.stderr.fd,
    `Error: the lock of ${root} was lost, so this command has ended\nHint: ${hint}\n`,
  );
  process.exit(1);
}
