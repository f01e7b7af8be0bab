import type { GuestProcess } from '../../../src/core/guest/guest-channel.ts';
import type { LogWriter } from '../../../src/core/logs/log-store.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { ExitStatus, OutputChunk, StreamName } from '../../../src/core/model/process.ts';

/** A main process whose output and end the test decides. @param from what it has said before, bytes */
export function scriptedMain(from: Readonly<Record<StreamName, number>> = { stdout: 0, stderr: 0 }) {
  const queue: OutputChunk[] = [];
  let wake = (): void => {};
  let ended = false;
  const offsets = { ...from };
  let exit: (status: ExitStatus) => void = () => {};
  const exited = new Promise<ExitStatus>((resolve) => {
    exit = resolve;
  });
  async function* output() {
    for (;;) {
      const chunk = queue.shift();
      if (chunk) yield chunk;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const signals: number[] = [];
  let acknowledged = false;
  /** As the channel has it: one that waits for more can be told to stop. */
  const chunks = output();
  const iterator = {
    next: () => chunks.next(),
    return: async () => {
      ended = true;
      wake();
      return { done: true, value: undefined };
    },
  };
  const session = {
    id: 1,
    output: { [Symbol.asyncIterator]: () => iterator },
    exited,
    takesInput: true,
    signal: (signal: number) => void signals.push(signal),
    acknowledgeExit: () => {
      acknowledged = true;
    },
  } as unknown as GuestProcess;
  return {
    session,
    signals,
    acknowledged: () => acknowledged,
    /** How many chunks the pump has not asked for yet. */
    waiting: () => queue.length,
    write(text: string, stream: StreamName = 'stdout') {
      queue.push({ stream, offset: offsets[stream], data: Buffer.from(text) });
      offsets[stream] += text.length;
      wake();
    },
    exit: (status: ExitStatus = { code: 0, signal: null }) => exit(status),
    end() {
      ended = true;
      wake();
    },
  };
}

/** A log on a disk that the test can fill up. */
export function memoryLog() {
  const lines: string[] = [];
  const log = {
    ...{ lines, full: false, ended: false, tries: 0, writer: {} as LogWriter },
    /** As the pump tells them at the end. */
    ends: undefined as unknown,
    /** Of the last line. */
    time: 0,
  };
  const write = (): void => {
    log.tries += 1;
    if (log.full) throw new FsbError('no_capacity', 'the disk is full');
  };
  log.writer = {
    offsets: { stdout: 0, stderr: 0 },
    get time() {
      return log.time;
    },
    kept: 1000,
    async append({ data }) {
      write();
      lines.push(data.toString());
    },
    async skipTo() {},
    async end(ends) {
      write();
      log.ended = true;
      log.ends = ends;
    },
    async close() {},
  };
  return log;
}
