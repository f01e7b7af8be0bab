import { setMaxListeners } from 'node:events';
import type { ResourceLimits, Worker } from 'node:worker_threads';
import { withEither } from '../../../model/async/either-signal.ts';
import type { Clock } from '../../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../../model/failure/errors.ts';
import type { Launch } from '../../launch.ts';
import { UnpackBudget } from '../budget.ts';
import type { Unpacker, UnpackRequest } from '../unpacker.ts';
import { startWorker } from './start-worker.ts';
import { UnpackThread } from './unpack-thread.ts';

export interface UnpackerOptions {
  launch: Launch;
  /** How many layers at once. Default 2. */
  threads?: number;
  /** A thread without work ends after this. Default 30 s. */
  idleMs?: number;
  /** Of the heap of one thread; default 1024. */
  memoryMb?: number;
  clock: Clock;
  /** For tests. */
  start?: (limits: ResourceLimits) => Worker;
}

/** A thread for each layer, as many as allowed; they are started when needed, and die with the core. */
export function createUnpacker(options: UnpackerOptions): Unpacker {
  return new WorkerUnpacker(options);
}

class WorkerUnpacker implements Unpacker {
  readonly #options: UnpackerOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #idle: { thread: UnpackThread; cancel: () => void }[] = [];
  readonly #running = new Set<Promise<unknown>>();
  /** Threads that are at work or about to be. */
  #busy = 0;
  readonly #waiting = new Set<() => void>();
  readonly #ending = new Set<Promise<void>>();

  constructor(options: UnpackerOptions) {
    this.#options = options;
    // Every layer listens to it; Node takes more than ten for a leak.
    setMaxListeners(0, this.#closing.signal);
    this.#clock = options.clock;
  }

  async unpack(request: UnpackRequest, signal?: AbortSignal): Promise<number> {
    const run = withEither(signal, this.#closing.signal, (until) => this.#unpack(request, until));
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new FsbError('unavailable', 'the image store is closed'));
    await Promise.allSettled(this.#running);
    for (const { thread, cancel } of this.#idle.splice(0)) {
      cancel();
      this.#end(thread);
    }
    await Promise.all(this.#ending);
  }

  async #unpack(request: UnpackRequest, signal: AbortSignal): Promise<number> {
    await this.#turn(signal);
    const thread = this.#take();
    try {
      const { blob, diffId, directory, budget = UnpackBudget.of(), devices = false, onProgress } = request;
      const job = { blob, diffId, directory, devices, budget: budget.shared };
      return await thread.run(job, onProgress, signal);
    } finally {
      this.#giveBack(thread);
      this.#busy -= 1;
      const [next] = this.#waiting;
      next?.();
    }
  }

  /** First come, first served. */
  async #turn(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    while (this.#busy >= (this.#options.threads ?? 2)) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
      throwIfAborted(signal);
    }
    this.#busy += 1;
  }

  #take(): UnpackThread {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      idle.cancel();
      if (idle.thread.alive) return idle.thread;
    }
    const megabytes = this.#options.memoryMb ?? 1024;
    return new UnpackThread({
      clock: this.#clock,
      launch: this.#options.launch,
      limits: { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 64 },
      start: this.#options.start ?? startWorker,
    });
  }

  #giveBack(thread: UnpackThread): void {
    if (!thread.alive) return;
    const cancel = this.#clock.after(this.#options.idleMs ?? 30_000, () => {
      this.#idle.splice(
        this.#idle.findIndex((idle) => idle.thread === thread),
        1,
      );
      this.#end(thread);
    });
    this.#idle.push({ thread, cancel });
  }

  #end(thread: UnpackThread): void {
    const ending = thread.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
