import { FsbError } from '../../core/model/failure/errors.ts';

/**
 * A failure without a guess that cannot be meant: what the line names itself, it has dealt with, and maybe deleted.
 * @param named by the same line @param command its id: what is listed
 */
export function withoutOwnName(error: FsbError, named: ReadonlySet<string>, command = ''): FsbError {
  const [, guess] = /^Did you mean ([^?]+)\?$/.exec(error.hint ?? '') ?? [];
  if (guess === undefined || !named.has(guess)) return error;
  const [, topic] = /^(.+):/.exec(command) ?? [];
  const list = topic === undefined ? 'list -a' : `${topic} list`;
  return new FsbError(error.code, error.message, {
    hint: `See what there is with: fsb-ctl ${list}`,
    cause: error,
  });
}
