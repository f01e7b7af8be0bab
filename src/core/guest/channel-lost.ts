import { FsbError } from '../model/failure/errors.ts';

/** The guest is gone, or nobody can talk to it any more, and nobody wanted that. */
export class ChannelLost extends FsbError {
  constructor(cause: Error) {
    super('run_failed', `the channel to the guest is lost: ${cause.message}`, { cause });
  }
}
