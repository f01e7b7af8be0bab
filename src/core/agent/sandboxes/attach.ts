import type { AttachRequest } from '../../api/sandbox-api.ts';
import type { LogStore } from '../../logs/log-store.ts';
import { noop } from '../../model/async/noop.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { wholeLog } from '../../model/logs.ts';
import type { ExitStatus, OutputChunk, ProcessSession, StreamName } from '../../model/process.ts';
import type { SlotEnd, SlotRecord } from '../ledger/records.ts';
import { endUnseen } from '../processes/lost-command.ts';
import type { SandboxRun } from './sandbox-run.ts';

/** Bytes of each stream since the process started. */
type Offsets = Readonly<Record<StreamName, number>>;

const BEGINNING: Offsets = { stdout: 0, stderr: 0 };

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
  const wanted = wantedFrom(request);
  const { tap, past, at } = await run.pump.join(wanted !== undefined);
  const from = wanted ?? at;
  const read = (): AsyncIterable<OutputChunk> =>
    said(run, logs, from, { upTo: run.logged + beganAt(run.slot) });
  const before = wanted === undefined ? [] : (past ?? read());
  if (request.size && run.slot.process.tty) run.main.resize(request.size);
  const once = request.stdinOnce === true && !run.slot.process.tty;
  const stopFeeding = request.stdin ? run.input.join(once) : noop;
  const left = new AbortController();
  const close = async (): Promise<void> => {
    run.pump.leave(tap);
    stopFeeding();
    left.abort(new FsbError('cancelled', 'the session was closed before the process ended'));
  };
  const unseen = (error: Error): Error => endUnseen(error, run.name);
  const exited = run.endedOr(left.signal).then(exitOf);
  // A session that only reads output may never look at the status.
  exited.catch(noop);
  return {
    output: behind(from, before, endsOf(at), tap.read(unseen)),
    exited,
    place: { sandboxId: run.sandboxId, ...from, takesInput: run.main.takesInput },
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
  request: AttachRequest,
  logs: LogStore,
): ProcessSession {
  const stop = new AbortController();
  const close = async (): Promise<void> => stop.abort();
  const exited = Promise.resolve(slot.end).then(exitOf);
  exited.catch(noop);
  const from = wantedFrom(request) ?? BEGINNING;
  const log = said({ sandboxId, slot }, logs, from, { signal: stop.signal });
  return {
    output: behind(from, log, endsInLog(sandboxId, slot, logs)),
    exited,
    place: { sandboxId, ...from, takesInput: false },
    write: async () => {},
    endInput: () => {},
    resize: () => {},
    signal: () => {},
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Undefined: only what comes from now on. */
const wantedFrom = ({ from, replay }: AttachRequest): Offsets | undefined =>
  from ? { stdout: from.stdout, stderr: from.stderr } : replay ? BEGINNING : undefined;

/** The sequence number of its log at which its own process began. */
const beganAt = ({ logBegin = BEGINNING }: SlotRecord): number => logBegin.stdout + logBegin.stderr;

/**
 * What its own process said from there on, without the generations before.
 * @param upTo sequence number: a reader may begin late, when what it was pushed is in the log as well
 */
async function* said(
  { sandboxId, slot }: Pick<SandboxRun, 'sandboxId' | 'slot'>,
  logs: LogStore,
  from: Offsets,
  { upTo = Number.POSITIVE_INFINITY, signal }: { upTo?: number; signal?: AbortSignal },
): AsyncGenerator<OutputChunk> {
  const { logBegin = BEGINNING } = slot;
  const inLog = { stdout: logBegin.stdout + from.stdout, stderr: logBegin.stderr + from.stderr };
  const query = { ...wholeLog, afterSeq: beganAt(slot), from: inLog };
  for await (const { stream, seq, offset, data } of logs.read(sandboxId, query, signal)) {
    if (seq > upTo) return;
    yield { stream, offset: offset - logBegin[stream], data };
  }
}

const NOTHING = Buffer.alloc(0);

/** Where each stream ends, for who has missed its last part. */
const endsOf = (at: Offsets): OutputChunk[] =>
  (['stdout', 'stderr'] as const).map((stream) => ({ stream, offset: at[stream], data: NOTHING }));

async function* endsInLog(
  sandboxId: string,
  { logBegin = BEGINNING }: SlotRecord,
  logs: LogStore,
): AsyncGenerator<OutputChunk> {
  const { stdout, stderr } = await logs.offsets(sandboxId);
  yield* endsOf({ stdout: stdout - logBegin.stdout, stderr: stderr - logBegin.stderr });
}

export function exitOf(end: SlotEnd): ExitStatus {
  if (end.kind === 'exited') return end.status;
  throw new FsbError('run_failed', `the end of the command was not seen: ${end.reason}`);
}

type Chunks = Iterable<OutputChunk> | AsyncIterable<OutputChunk>;

/**
 * One after the other, without what is before `from`: what a core has shown before it was killed need not be in the log, and
 * then comes from the guest once more. Where the log has dropped something an offset is further on, of an empty chunk if there
 * is nothing behind it.
 */
async function* behind(from: Offsets, ...parts: Chunks[]): AsyncGenerator<OutputChunk> {
  const next = { ...from };
  for (const part of parts)
    for await (const { stream, offset, data } of part) {
      const end = offset + data.length;
      if (end <= next[stream]) continue;
      const seen = Math.max(0, next[stream] - offset);
      next[stream] = end;
      yield { stream, offset: offset + seen, data: seen === 0 ? data : data.subarray(seen) };
    }
}
