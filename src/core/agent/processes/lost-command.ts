import { ChannelLost } from '../../guest/channel-lost.ts';
import { FsbError } from '../../model/failure/errors.ts';

/** What the caller of a command is told whose guest went away under it. Another error is what it is. */
export const endUnseen = (error: Error, sandbox: string): Error =>
  error instanceof ChannelLost
    ? lost(`the command ran in sandbox ${sandbox}, and its end was not seen`, sandbox, error)
    : error;

/** The same of one whose guest went away before it could say that the command had begun. */
export const beginUnseen = (error: unknown, sandbox: string): unknown =>
  error instanceof ChannelLost
    ? lost(`cannot tell whether the command began in sandbox ${sandbox}`, sandbox, error)
    : error;

const lost = (what: string, sandbox: string, cause: ChannelLost): FsbError =>
  new FsbError('run_failed', `${what}: ${cause.message}`, {
    hint: `See what became of the sandbox with: fsb-ctl get ${sandbox}`,
    cause,
  });
