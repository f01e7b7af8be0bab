import type { GuestChannel } from '../../guest/guest-channel.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { type ExitStatus, type ProcessSpec, signalName } from '../../model/process.ts';

/** The first process of an instance; its end is acknowledged, so that whoever claims may use the id again. */
const WARM_UP_PROCESS = 1;
/** Bytes of what the command says about its failure. */
const TAIL = 512;

/** The policy's warm-up command in one instance. */
export class WarmUp {
  readonly #channel: GuestChannel;
  readonly #spec: ProcessSpec;
  #tail = '';

  constructor(channel: GuestChannel, spec: ProcessSpec) {
    this.#channel = channel;
    this.#spec = spec;
  }

  /** @throws run_failed with what it wrote to stderr when it does not end with 0; what `spawn` throws; the abort's reason */
  async run(signal: AbortSignal): Promise<void> {
    // A guest that does not answer must not hold the room of a boot that was given up.
    const process = await orAborted(this.#channel.spawn(WARM_UP_PROCESS, this.#spec, signal), signal);
    const said = this.#listen(process.output);
    // What is left unread of an aborted command goes with its instance.
    said.catch(() => undefined);
    const status = await orAborted(process.exited, signal);
    await orAborted(said, signal);
    process.acknowledgeExit();
    await process.close();
    if (status.code !== 0)
      throw new FsbError('run_failed', `${this.describe()} ${endOf(status)}${this.said()}`);
  }

  describe(): string {
    return `the warm-up command ${this.#spec.argv[0]}`;
  }

  /** The last of what it wrote to stderr, for the end of a sentence; empty when it wrote nothing. */
  said(): string {
    const text = this.#tail.trim();
    return text === '' ? '' : `: ${text}`;
  }

  async #listen(output: AsyncIterable<{ stream: string; data: Buffer }>): Promise<void> {
    for await (const { stream, data } of output)
      if (stream === 'stderr') this.#tail = (this.#tail + data.toString()).slice(-TAIL);
  }
}

const endOf = ({ code, signal }: ExitStatus): string =>
  signal === null ? `ended with ${code}` : `was ended by ${signalName(signal)}`;

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(FsbError.from(signal.reason));
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
