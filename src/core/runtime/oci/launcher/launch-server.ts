import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { FsbError } from '../../../model/failure/errors.ts';
import { hasStreams } from '../../../model/failure/has-streams.ts';
import { CLEAN_ENVIRONMENT } from '../run-program.ts';
import { type LaunchResult, ResultDecoder } from './launch-frames.ts';

const COMPLAINT_MOST = 1000;

interface Waiter {
  resolve(result: LaunchResult): void;
  reject(error: Error): void;
}

/** One running `fsb-launch serve`. However the core ends, its input ends, and it ends what it has started. */
export class LaunchServer {
  /** Resolves when it has ended and nobody waits for it any more. */
  readonly ended: Promise<void>;
  readonly #waiting = new Map<number, Waiter>();
  readonly #input: Socket | undefined;
  readonly #output: Socket | undefined;
  readonly #kill: () => void;
  #lastId = 0;
  #complaint = '';
  #isOver = false;

  constructor(binary: string) {
    const child = spawn(binary, ['serve'], { env: CLEAN_ENVIRONMENT, stdio: ['pipe', 'pipe', 'pipe'] });
    // Before anything else: an error that nobody listens to, as for want of descriptors, would end the core.
    const closed = once(child, 'close').then(() => new Error(this.#complaint.trim() || 'it ended'));
    this.ended = closed
      .catch((error: Error) => error)
      .then((why) =>
        this.#over(new FsbError('run_failed', `cannot execute ${binary}: ${why.message}`, { cause: why })),
      );
    this.#kill = () => child.kill('SIGKILL');
    if (!hasStreams(child)) return;
    const decoder = new ResultDecoder((id, result) => this.#settle(id)?.resolve(result));
    child.stdout.on('data', (chunk: Buffer) => {
      try {
        decoder.feed(chunk);
      } catch (error) {
        this.#complaint = `it talks nonsense: ${(error as Error).message}`;
        this.kill();
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-COMPLAINT_MOST);
    });
    // What breaks it is told by its end.
    child.stdin.on('error', () => {});
    // Pipes to a child are sockets, whatever their type says.
    this.#input = child.stdin as unknown as Socket;
    this.#output = child.stdout as unknown as Socket;
    // It must not keep a process alive that has nothing else to do.
    child.unref();
    (child.stderr as unknown as Socket).unref();
    this.#input.unref();
    this.#output.unref();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Sends the request that `encode` makes of a new id.
   * @returns the id, and the result when it is there
   * @throws run_failed when the server ends before that
   */
  start(encode: (id: number) => Buffer): { id: number; result: Promise<LaunchResult> } {
    const frame = encode(++this.#lastId);
    const id = this.#lastId;
    const result = new Promise<LaunchResult>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#output?.ref();
    this.send(frame);
    return { id, result };
  }

  send(frame: Buffer): void {
    if (!this.#isOver) this.#input?.write(frame);
  }

  /** Ends it, and with it whatever it still has running. */
  end(): void {
    this.#output?.ref();
    this.#input?.end();
  }

  /** At once; the kernel kills what it has running. */
  kill(): void {
    this.#kill();
  }

  #settle(id: number): Waiter | undefined {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#output?.unref();
    return waiter;
  }

  #over(why: FsbError): void {
    this.#isOver = true;
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}
