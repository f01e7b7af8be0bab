import { LONGEST_DATA } from '../protocol/frames.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';

interface PendingWrite {
  data: Uint8Array;
  /** Bytes of it that were sent. */
  sent: number;
  resolve(): void;
  reject(error: Error): void;
}

export interface InputOptions {
  /** Bytes that may be under way beyond what the guest has acknowledged. */
  window: number;
  /** False: every byte is dropped. */
  open: boolean;
  /** Bytes that the guest has already. */
  sent: number;
  /** How much of it reached the process. */
  acknowledged: number;
  send(offset: number, data: Uint8Array): void;
  sendEnd(offset: number): void;
}

/** The standard input of one process: in order, never beyond the window, dropped once the process closed it. */
export class InputStream {
  readonly #options: InputOptions;
  readonly #pending: PendingWrite[] = [];
  #open: boolean;
  #ending = false;
  #endSent = false;
  #sent: number;
  #acknowledged: number;
  #error: Error | undefined;

  constructor(options: InputOptions) {
    this.#options = options;
    this.#open = options.open;
    this.#sent = options.sent;
    this.#acknowledged = options.acknowledged;
  }

  /** False: its end has come, or the process has closed it. */
  get takesMore(): boolean {
    return this.#open && !this.#ending;
  }

  /** Resolves when it is sent and the window has room for more. The data must not change before that. */
  write(data: Uint8Array): Promise<void> {
    if (this.#error) return Promise.reject(this.#error);
    if (!this.#open || this.#ending || data.length === 0) return Promise.resolve();
    if (this.#pending.length === 0 && data.length < this.#room && data.length <= LONGEST_DATA) {
      this.#send(data);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ data, sent: 0, resolve, reject });
      this.#pump();
    });
  }

  /** Half-close, after everything that was written. Idempotent. */
  end(): void {
    this.#ending = true;
    this.#pump();
  }

  /** @throws ProtocolError for bytes that were never sent, or that had been acknowledged before */
  acknowledge(offset: number): void {
    if (offset < this.#acknowledged || offset > this.#sent)
      throw new ProtocolError('outOfRange', `stdin acknowledged up to ${offset} of ${this.#sent}`);
    this.#acknowledged = offset;
    this.#pump();
  }

  /** The process will read no more. */
  close(): void {
    this.#open = false;
    for (const write of this.#pending.splice(0)) write.resolve();
  }

  fail(error: Error): void {
    if (!this.#open) return;
    this.#error = error;
    for (const write of this.#pending.splice(0)) write.reject(error);
  }

  get #room(): number {
    return this.#options.window - (this.#sent - this.#acknowledged);
  }

  #pump(): void {
    if (!this.#open || this.#error) return;
    for (let write = this.#pending[0]; write && this.#room > 0; write = this.#pending[0]) {
      const end = Math.min(write.data.length, write.sent + Math.min(this.#room, LONGEST_DATA));
      if (end > write.sent) this.#send(write.data.subarray(write.sent, end));
      write.sent = end;
      if (end < write.data.length || this.#room <= 0) continue;
      this.#pending.shift();
      write.resolve();
    }
    // A write that fills the window exactly is complete, although its caller has yet to wait for room.
    const unsent = this.#pending.some((write) => write.sent < write.data.length);
    if (!this.#ending || this.#endSent || unsent) return;
    this.#endSent = true;
    this.#options.sendEnd(this.#sent);
  }

  #send(data: Uint8Array): void {
    this.#options.send(this.#sent, data);
    this.#sent += data.length;
  }
}
