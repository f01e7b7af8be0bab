import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { withoutWaiting } from './cli-root.ts';

const PATIENCE = 45_000;

/** A command that runs beside the test: what it writes, signals to it, and its end. */
export class RunningLine {
  stdout = '';
  #stderr = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<[code: number | null, signal: NodeJS.Signals | null]>;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    child.stdin.on('error', () => {});
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  get stderr(): string {
    return withoutWaiting(this.#stderr);
  }

  /** Resolves when its standard output has this. Fails with all that it wrote when it never comes. */
  async sees(part: string | RegExp): Promise<void> {
    const found = (): boolean =>
      typeof part === 'string' ? this.stdout.includes(part) : part.test(this.stdout);
    const limit = AbortSignal.timeout(PATIENCE);
    try {
      while (!found()) {
        const more = once(this.#child.stdout, 'data', { signal: limit });
        await Promise.race([more, this.#closed.then(() => Promise.reject(new Error('it has ended')))]);
      }
    } catch (error) {
      throw new Error(`waited for ${part}, saw ${JSON.stringify([this.stdout, this.stderr])}`, {
        cause: error,
      });
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** Its exit code, or the signal that ended it. */
  async end(): Promise<number | NodeJS.Signals | null> {
    const [code, signal] = await this.#closed;
    return signal ?? code;
  }
}
