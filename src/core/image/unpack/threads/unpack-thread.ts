import type { ResourceLimits, Worker } from 'node:worker_threads';
import type { Clock } from '../../../model/clock.ts';
import { descriptorLimit } from '../../../model/failure/descriptors.ts';
import { diskFailure } from '../../../model/failure/disk-failure.ts';
import { FsbError, throwIfAborted } from '../../../model/failure/errors.ts';
import type { Launch } from '../../launch.ts';
import type { FromWorker, ToWorker, UnpackJob } from '../worker/messages.ts';

export interface ThreadOptions {
  clock: Clock;
  launch: Launch;
  limits: ResourceLimits;
  start: (limits: ResourceLimits) => Worker;
}

/** An aborted thread ends its work by itself, between two pieces of the layer; beyond this it is ended. */
const GRACE_MS = 2_000;

interface Work {
  /** Its end, whatever it is. */
  over: AbortController;
  onProgress: ((bytes: number) => void) | undefined;
  resolve: (size: number) => void;
  reject: (error: unknown) => void;
}

/** One worker thread: takes one layer at a time, and is of no use any more when it has failed at something else. */
export class UnpackThread {
  readonly #worker: Worker;
  readonly #options: ThreadOptions;
  readonly #ended: Promise<void>;
  #work: Work | undefined;
  /** Never rejects. */
  #launching: Promise<void> | undefined;
  #reason: Error | undefined;
  #alive = true;

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#worker = options.start(options.limits);
    this.#worker.unref();
    this.#worker.on('message', (message: FromWorker) => this.#hear(message));
    this.#worker.on('error', (error) => {
      this.#reason = error as Error;
    });
    this.#ended = new Promise((resolve) =>
      this.#worker.once('exit', () => {
        this.#alive = false;
        resolve();
        this.#finish()?.reject(this.#crash());
      }),
    );
  }

  /** It can take another layer. */
  get alive(): boolean {
    return this.#alive;
  }

  /** @throws what unpackLayer throws; cancelled, when all that it did is done; internal, no_capacity when it crashes */
  async run(job: UnpackJob, onProgress?: (bytes: number) => void, signal?: AbortSignal): Promise<number> {
    throwIfAborted(signal);
    const over = new AbortController();
    const abort = (): void => this.#abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.#worker.ref();
    try {
      return await new Promise<number>((resolve, reject) => {
        this.#work = { over, onProgress, resolve, reject };
        this.#tell({ kind: 'unpack', job });
      });
    } catch (error) {
      throwIfAborted(signal);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      over.abort();
      await this.#launching;
      this.#worker.unref();
    }
  }

  /** Idempotent. Resolves when the thread is gone. */
  async end(): Promise<void> {
    await this.#worker.terminate();
    await this.#ended;
  }

  #abort(): void {
    this.#tell({ kind: 'abort' });
    const work = this.#work;
    work?.over.abort();
    this.#options.clock.after(GRACE_MS, () => {
      if (work !== undefined && this.#work === work) void this.end();
    });
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'progress') this.#work?.onProgress?.(message.bytes);
    else if (message.kind === 'launch') this.#launching = this.#launch(message.words, message.timeoutMs);
    else if (message.kind === 'done') this.#finish()?.resolve(message.size);
    else this.#finish()?.reject(FsbError.fromBody(message.error));
  }

  async #launch(words: string[], timeoutMs: number): Promise<void> {
    try {
      const options = { timeoutMs, signal: this.#work?.over.signal };
      const { code, stderr } = await this.#options.launch(words, options);
      this.#tell({ kind: 'launched', result: { code, stderr } });
    } catch (error) {
      this.#tell({ kind: 'not-launched', error: FsbError.from(error).toBody() });
    }
  }

  #finish(): Work | undefined {
    const work = this.#work;
    this.#work = undefined;
    return work;
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #crash(): FsbError {
    const reason = this.#reason as NodeJS.ErrnoException | undefined;
    if (reason?.code === 'ERR_WORKER_OUT_OF_MEMORY')
      return new FsbError(
        'no_capacity',
        `cannot unpack the layer: it needs more than ${this.#options.limits.maxOldGenerationSizeMb} MiB of memory`,
        { cause: reason },
      );
    const failure = diskFailure(reason) ?? diskFailure({ code: initFailure(reason) }) ?? descriptorFailure();
    if (failure !== undefined)
      return new FsbError(failure.code, `cannot unpack the layer: ${failure.why}`, {
        ...{ hint: failure.hint, cause: reason },
      });
    const why = reason === undefined ? 'it ended' : reason.message;
    return new FsbError('internal', `cannot unpack the layer: the thread that did it crashed: ${why}`, {
      cause: reason,
    });
  }
}

/** A thread that could not even begin says why in its message alone: `Worker initialization failure: EMFILE`. */
const initFailure = (reason?: NodeJS.ErrnoException): string | undefined =>
  reason?.code === 'ERR_WORKER_INIT_FAILED' ? /E[A-Z]+$/.exec(reason.message)?.[0] : undefined;

/** A module that cannot be opened for want of a descriptor is one that "cannot be found". */
const descriptorFailure = () =>
  descriptorLimit() === undefined ? diskFailure({ code: 'EMFILE' }) : undefined;
