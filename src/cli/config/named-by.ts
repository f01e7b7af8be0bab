import { FsbError } from '../../core/model/failure/errors.ts';
import type { Settings } from './settings.ts';
import type { Origin } from './sources.ts';

/**
 * Something is not there, or nothing that could be, and nobody has typed its name: the hint says who names it, before what can end
 * with a command. A command that is to mend the context is written with the name of the one that was used.
 */
export function withOrigin(error: unknown, settings: Settings, argv: readonly string[]): unknown {
  if (!(error instanceof FsbError)) return error;
  const who = namedBy(error, settings, argv);
  const hint = withContext(error, settings);
  if (who === undefined && hint === error.hint) return error;
  const words = [who, hint].filter((part) => part);
  return new FsbError(error.code, error.message, { hint: words.join(' '), cause: error });
}

const UPDATE = 'fsb-ctl context update ';

function withContext({ code, hint }: FsbError, settings: Settings): string | undefined {
  if (code !== 'unavailable' || !hint?.includes(`${UPDATE}NAME`)) return hint;
  const { context = 'NAME' } = settings.core;
  return hint.replace(`${UPDATE}NAME`, () => `${UPDATE}${context}`);
}

/** A core that was reached may have something that it could not reach itself, such as a registry. */
const OF_REACHING =
  /\b(?:reach the|the connection to the|a|no) core\b|^(?:the (?:core|socket)|fsb-ctl) (?:on|at) |^on \S+: /;

function namedBy(
  { code, message }: FsbError,
  settings: Settings,
  argv: readonly string[],
): string | undefined {
  try {
    if (code === 'unavailable') return OF_REACHING.test(message) ? ofCore(settings) : undefined;
    if (code === 'invalid_argument') return ofValue(message, settings);
    if (code !== 'not_found') return undefined;
    const { value: pool, origin } = settings.get('pool');
    const typed = argv.some((word) => word === pool || word.endsWith(`=${pool}`));
    if (message.startsWith(`pool ${pool} does not exist`) && !typed) return from(origin, `pool ${pool}`);
    const namespace = settings.get('namespace');
    return message.endsWith(`in namespace ${namespace.value}`)
      ? from(namespace.origin, 'the namespace')
      : undefined;
  } catch {
    // A configuration that cannot be read is a failure of its own.
    return undefined;
  }
}

function ofCore({ core: { endpoint, context, origin } }: Settings): string | undefined {
  if (endpoint === undefined) return undefined;
  return from(origin, context === undefined ? endpoint : `context ${context}`);
}

/** What variables hold is looked at by who uses it; files are when they are read. */
function ofValue(message: string, settings: Settings): string | undefined {
  if (message.startsWith('invalid endpoint ')) return ofCore(settings);
  const { value, origin } = settings.get('namespace');
  return message === `invalid namespace ${JSON.stringify(value)}` ? from(origin, 'the namespace') : undefined;
}

const from = ({ source, name }: Origin, what: string): string | undefined =>
  source === 'flag' || source === 'default' ? undefined : `It is ${name} that names ${what}.`;
