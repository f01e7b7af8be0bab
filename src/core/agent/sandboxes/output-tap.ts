import type { OutputChunk } from '../../model/process.ts';

/**
 * One reader's view of the main output. The pump waits in push() until the reader is done with the chunk, so a slow
 * reader holds the process back and nothing is dropped. Bounded: after release() (the process has ended, only its last
 * buffers are left) push() waits no more.
 */
export class OutputTap {
  readonly #queue: OutputChunk[] = [];
  #taken: (() => void) | undefined;
  #wake: (() => void) | undefined;
  #released = false;
  #finished = false;
  #error: Error | undefined;

  /** Resolves when the reader has consumed it. */
  push(chunk: OutputChunk): Promise<void> {
    if (this.#finished) return Promise.resolve();
    this.#queue.push(chunk);
    this.#wake?.();
    if (this.#released) return Promise.resolve();
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }

  /** No backpressure from here on. */
  release(): void {
    this.#released = true;
    this.#taken?.();
  }

  /** No more output; what is queued is still delivered. */
  end(error?: Error): void {
    this.#finished = true;
    this.#error = error;
    this.#taken?.();
    this.#wake?.();
  }

  /** The reader has left: it takes no more of what is queued. */
  leave(): void {
    this.#queue.length = 0;
    this.end();
  }

  /** @param told what the reader is to hear of an error */
  async *read(told = (error: Error): Error => error): AsyncGenerator<OutputChunk> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        yield chunk;
        if (this.#queue.length === 0) this.#taken?.();
      } else if (this.#finished) {
        if (this.#error) throw told(this.#error);
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
