import { FsbError } from '../../core/model/errors.ts';
import { answers, ensureCore, type LocalCore } from './local-core.ts';

/**
 * Makes sure that the local core listens: the first command that needs it starts it.
 * @throws unavailable when FSB_NO_AUTOSTART=1 forbids that, or when it cannot start
 */
export async function ensureLocalCore(local: LocalCore): Promise<void> {
  if (await answers(local.paths.grpcSocket)) return;
  if (local.env.FSB_NO_AUTOSTART === '1')
    throw new FsbError(
      'unavailable',
      `the local core is not running (nothing listens on ${local.paths.grpcSocket})`,
      {
        hint: 'Start it with: fsb-ctl daemon start (FSB_NO_AUTOSTART=1 forbids starting it on its own).',
      },
    );
  await ensureCore(local);
}
