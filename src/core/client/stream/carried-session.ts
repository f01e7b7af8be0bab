import { setTimeout as delay } from 'node:timers/promises';
import type { AttachRequest } from '../../api/sandbox-api.ts';
import { noop } from '../../model/async/noop.ts';
import { FsbError, isLost } from '../../model/failure/errors.ts';
import type {
  ExitStatus,
  MainBegin,
  MainPlace,
  OutputChunk,
  ProcessSession,
  TerminalSize,
} from '../../model/process.ts';
import { RESUME_PAUSES } from './frame-socket.ts';
import type { RemoteSession } from './remote-session.ts';

/** Joins the main process. @throws unavailable: perhaps there is a core in a while */
type Join = (request: AttachRequest, signal: AbortSignal) => Promise<RemoteSession>;

/** What one core tells of it. */
interface Stretch {
  session: RemoteSession;
  /** Undefined when it has ended here. Rejects when nobody tells more. */
  next: Promise<Stretch | undefined>;
}

/**
 * A main process, which outlives its core: when that goes away, the next one is asked for the rest of its output, and for its
 * end. Not where it may take more input: what of that has arrived nobody can tell.
 */
export class CarriedSession implements ProcessSession {
  readonly output: AsyncIterable<OutputChunk>;
  readonly exited: Promise<ExitStatus>;
  readonly place: MainBegin | undefined;
  readonly #join: Join;
  readonly #stop = new AbortController();
  readonly #hasInput: boolean;
  /** All of it was sent. */
  #inputEnded: boolean;
  #size: TerminalSize | undefined;
  /** Undefined while there is no core. */
  #current: RemoteSession | undefined;

  /** @param first joined with the `request` */
  constructor(first: RemoteSession, request: AttachRequest, join: Join) {
    this.#join = join;
    this.#hasInput = request.stdin;
    this.#inputEnded = !request.stdin;
    this.#size = request.size;
    this.place = first.place;
    const stretch = this.#stretch(first);
    this.output = readAll(stretch);
    this.exited = endOf(stretch);
    this.exited.catch(noop);
  }

  get isAway(): boolean {
    return this.#current === undefined;
  }

  /** Where it goes on without a core, or over the next one, nothing is taken any more. */
  async write(data: Uint8Array): Promise<void> {
    await this.#current?.write(data);
  }

  endInput(): void {
    this.#inputEnded = true;
    this.#current?.endInput();
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    this.#current?.resize(size);
  }

  signal(signal: number): void {
    this.#current?.signal(signal);
  }

  async close(): Promise<void> {
    this.stop();
    await this.#current?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** It goes on over no other core. */
  stop(): void {
    this.#stop.abort(new FsbError('cancelled', 'the session was closed before the process ended'));
  }

  #stretch(session: RemoteSession): Stretch {
    this.#current = session;
    const goOn = async (error: unknown): Promise<Stretch> => {
      this.#current = undefined;
      const next = await this.#next(session.reached, FsbError.from(error));
      // It was closed in the moment in which this one was there.
      if (this.#stop.signal.aborted) await next.close();
      return this.#stretch(next);
    };
    const next = session.exited.then(() => undefined, goOn);
    next.catch(noop);
    return { session, next };
  }

  /** @throws `lost`, with why there is none; why it was closed */
  async #next(from: MainPlace | undefined, lost: FsbError): Promise<RemoteSession> {
    const { signal } = this.#stop;
    if (from === undefined || !isLost(lost) || signal.aborted) throw lost;
    if (!this.#inputEnded) throw withHint(lost, INPUT_HINT);
    for (const pause of RESUME_PAUSES) {
      try {
        // A timer that keeps the process alive: nothing else does while there is no connection.
        await delay(pause, undefined, { signal });
        return await this.#goOn(from);
      } catch (error) {
        const why = FsbError.from(error);
        if (signal.aborted) throw FsbError.from(signal.reason);
        if (why.code !== 'unavailable' && !isLost(why)) throw withReason(lost, why);
      }
    }
    throw lost;
  }

  async #goOn(from: MainPlace): Promise<RemoteSession> {
    const request = { stdin: false, replay: false, from, ...(this.#size && { size: this.#size }) };
    const session = await this.#join(request, this.#stop.signal);
    if (!this.#hasInput || session.place?.takesInput === false) return session;
    await session.close();
    throw new FsbError(
      'conflict',
      'the end of its input has not arrived, and nobody knows what else has not',
    );
  }
}

/** Of each core all that it has told, before what the next one tells. */
async function* readAll(first: Stretch): AsyncGenerator<OutputChunk> {
  for (let stretch: Stretch | undefined = first; stretch !== undefined; stretch = await stretch.next) {
    try {
      yield* stretch.session.output;
    } catch {
      // Its end fails for the same reason.
    }
  }
}

async function endOf(first: Stretch): Promise<ExitStatus> {
  let last = first;
  for (let next = await last.next; next !== undefined; next = await last.next) last = next;
  return last.session.exited;
}

/** There is a core again, and it says no. Of one that is gone it is no help where to look, nor what has a name like it. */
const withReason = ({ code, message, hint }: FsbError, why: FsbError): FsbError =>
  new FsbError(code, `${message}; nor can it go on with the next core: ${why.message}`, {
    hint: why.code === 'not_found' ? undefined : (why.hint ?? hint),
    cause: why,
  });

const INPUT_HINT =
  'It does not go on with the next core while it takes input (-i): nobody knows what of that has arrived.';

const withHint = ({ code, message, hint, cause }: FsbError, more: string): FsbError =>
  new FsbError(code, message, { hint: hint === undefined ? more : `${more} ${hint}`, cause });
