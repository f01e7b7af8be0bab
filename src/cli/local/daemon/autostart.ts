import { FsbError } from '../../../core/model/failure/errors.ts';
import { shellWords } from '../../../core/model/shell-words.ts';
import { flagsOfEnded } from '../flags/ended-core.ts';
import { answers } from './answers.ts';
import { ensureCore } from './ensure-core.ts';
import type { LocalCore } from './local-core.ts';

/**
 * Makes sure that the local core listens: the first command that needs it starts it, as startAsBefore.
 * @throws unavailable when FSB_NO_AUTOSTART=1 forbids that, or when it cannot start
 */
export async function ensureLocalCore(local: LocalCore, say: Say): Promise<void> {
  if (await answers(local.paths.grpcSocket)) return;
  if (local.env.FSB_NO_AUTOSTART === '1')
    throw new FsbError(
      'unavailable',
      `the local core is not running (nothing listens on ${local.paths.grpcSocket})`,
      {
        hint: 'Start it with: fsb-ctl daemon start (FSB_NO_AUTOSTART=1 forbids starting it on its own).',
      },
    );
  await startAsBefore(local, say);
}

/**
 * Starts the core, unless it runs, where nobody has given it any flags. After one that did not end in order it has the flags of
 * that, and people are told.
 * @throws unavailable when it cannot start
 */
export async function startAsBefore(local: LocalCore, say: Say): ReturnType<typeof ensureCore> {
  const outcome = await ensureCore(local, () => flagsOfEnded(local.paths)).catch(async (error: unknown) => {
    throw withFlags(FsbError.from(error), await flagsOfEnded(local.paths));
  });
  const { flags = [] } = outcome.status;
  if (outcome.started && flags.length > 0)
    await say(`The core had ended unexpectedly; started again with its flags: ${shellWords([...flags])}`);
  return outcome;
}

type Say = (text: string) => unknown;

/** It may be for them that it cannot start: nobody has typed them. */
function withFlags(error: FsbError, flags: string[]): FsbError {
  if (flags.length === 0) return error;
  const whose = `It has the flags of the core that had ended unexpectedly: ${shellWords(flags)}; "fsb-ctl daemon stop" forgets them.`;
  const { code, message, hint } = error;
  // Who asks for a sandbox would take it that there is none, where it is a file of these flags.
  return new FsbError(code === 'not_found' ? 'unavailable' : code, message, {
    hint: hint ? `${whose} ${hint}` : whose,
    cause: error,
  });
}
