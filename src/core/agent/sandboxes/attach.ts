import type { AttachRequest } from '../../api/sandbox-api.ts';
import type { LogStore } from '../../logs/log-store.ts';
import { noop } from '../../model/async/noop.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { type LogEntry, type LogQuery, wholeLog } from '../../model/logs.ts';
import type { ExitStatus, OutputChunk, ProcessSession } from '../../model/process.ts';
import type { SlotEnd, SlotRecord } from '../ledger/records.ts';
import type { SandboxRun } from './sandbox-run.ts';

/** Joins a running main process; see SandboxApi.attach. */
export async function attachToRun(
  run: SandboxRun,
  request: AttachRequest,
  logs: LogStore,
): Promise<ProcessSession> {
  if (request.stdin && !run.slot.process.stdin)
    throw new FsbError('conflict', `sandbox ${run.slot.claimName} was started without stdin`, {
      hint: 'Create it with -i (stdin: true) to send input to it.',
    });
  const { tap, past } = await run.pump.join();
  const query = logOf(run.slot);
  const read = (): AsyncIterable<LogEntry> =>
    upTo(query.afterSeq + run.logged, logs.read(run.sandboxId, query));
  const replay = request.replay ? (past ?? read()) : undefined;
  if (request.size && run.slot.process.tty) run.main.resize(request.size);
  const left = new AbortController();
  const close = async (): Promise<void> => {
    run.pump.leave(tap);
    left.abort(new FsbError('cancelled', 'the session was closed before the process ended'));
  };
  const exited = run.endedOr(left.signal).then(exitOf);
  // A session that only reads output may never look at the status.
  exited.catch(noop);
  return {
    output: joined(replay, tap.read()),
    exited,
    write: (data) => (request.stdin ? run.main.write(data) : Promise.resolve()),
    endInput: () => {
      if (request.stdin) run.main.endInput();
    },
    resize: (size) => run.main.resize(size),
    signal: (signal) => run.signal(signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The same for a sandbox that has ended: its log, and its end. */
export function attachToEnded(
  sandboxId: string,
  slot: SlotRecord & { end: SlotEnd },
  logs: LogStore,
): ProcessSession {
  const stop = new AbortController();
  const close = async (): Promise<void> => stop.abort();
  const exited = Promise.resolve(slot.end).then(exitOf);
  exited.catch(noop);
  return {
    output: joined(logs.read(sandboxId, logOf(slot), stop.signal), nothing()),
    exited,
    write: async () => {},
    endInput: () => {},
    resize: () => {},
    signal: () => {},
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What its own process said, without the generations before. */
function logOf({ logBegin }: SlotRecord): LogQuery & { afterSeq: number } {
  return { ...wholeLog, afterSeq: logBegin === undefined ? 0 : logBegin.stdout + logBegin.stderr };
}

export function exitOf(end: SlotEnd): ExitStatus {
  if (end.kind === 'exited') return end.status;
  throw new FsbError('run_failed', `the end of the command was not seen: ${end.reason}`);
}

/** A reader may begin late, when what it was pushed is in the log as well: that is not part of its replay. */
async function* upTo(seq: number, entries: AsyncIterable<LogEntry>): AsyncGenerator<LogEntry> {
  for await (const entry of entries) {
    if (entry.seq > seq) return;
    yield entry;
  }
}

type Replay = Iterable<OutputChunk> | AsyncIterable<LogEntry>;

/** First the replay, with offsets that count from the first byte that the log still has; then what comes live. */
async function* joined(
  past: Replay | undefined,
  live: AsyncIterable<OutputChunk>,
): AsyncGenerator<OutputChunk> {
  const offsets = { stdout: 0, stderr: 0 };
  for await (const { stream, data } of past ?? []) {
    yield { stream, offset: offsets[stream], data };
    offsets[stream] += data.length;
  }
  yield* live;
}

async function* nothing(): AsyncGenerator<OutputChunk> {}
