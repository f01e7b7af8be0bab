import { constants } from 'node:os';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { ExitStatus, ProcessSession, TerminalSize } from '../../core/model/process.ts';
import type { Interruption } from '../command/interruption.ts';
import { assertReadable } from '../terminal/readable-input.ts';
import { OutputClosed, tellDropped, tryWrite, write } from '../terminal/streams.ts';
import type { Terminal, TerminalInput, TerminalOutput, World } from '../terminal/world.ts';
import { DetachFilter } from './detach-keys.ts';
import { Missing } from './missing.ts';
import { enterRawMode } from './raw-mode.ts';
import { type Leaving, PROXIED, proxySignals } from './signal-proxy.ts';

export interface SessionOptions extends Leaving {
  /** Send our stdin; without it stdin is never read. */
  stdin: boolean;
  tty: boolean;
  signalProxy: boolean;
  /** Bytes that leave the session, looked for with stdin and a terminal only. */
  detachKeys: Buffer;
  /** The process is there for this call: a timeout kills it, and SIGPIPE tells it that nobody reads its output. */
  ours?: boolean;
}

/** Why a process was killed, behind who was. */
export const OUT_OF_MEMORY = 'was ended: it needed more memory than its limit (--memory)';

export type SessionEnd = { kind: 'exited'; status: ExitStatus; missing: Missing } | { kind: 'detached' };

/**
 * Joins a process to our terminal until it has ended and everything it wrote is out, or the user detaches. The
 * terminal and the signals are as before on every way out.
 * @throws run_failed when the truth about the end is lost; the interruption's reason; OutputClosed
 */
export async function driveSession(
  session: ProcessSession,
  options: SessionOptions,
  world: Pick<World, 'terminal' | 'events' | 'forceExit' | 'clock'>,
  interruption: Interruption,
): Promise<SessionEnd> {
  const { terminal, events } = world;
  const undo: (() => void)[] = [];
  // It may be the output that fails first; then nobody waits for this one.
  session.exited.catch(() => undefined);
  try {
    if (options.signalProxy) {
      interruption.release(PROXIED);
      undo.push(proxySignals((signal) => passOn(signal, session, interruption), world, options));
    }
    if (options.tty) undo.push(followSize(terminal, session));
    if (options.tty && options.stdin) undo.push(enterRawMode(terminal.stdin, events));
    const input = options.stdin ? pumpInput(terminal.stdin, session, options) : noInput;
    undo.push(input.stop);
    return await Promise.race([
      finish(session, terminal),
      input.detached.then((): SessionEnd => ({ kind: 'detached' })),
      rejectOnAbort(interruption.signal, undo),
    ]);
  } catch (error) {
    const signal = endingSignal(error);
    if (options.ours && signal !== undefined) session.signal(signal);
    // The cursor stands behind what the process has drawn, its prompt most often.
    if (options.tty && options.stdin && terminal.stderr.isTTY) void tryWrite(terminal.stderr, '\r\n');
    throw error;
  } finally {
    for (const step of undo.reverse()) step();
    await session.close();
  }
}

/** What ends a process of ours when its session fails like this; without it, it would run on unseen. */
function endingSignal(error: unknown): number | undefined {
  if (error instanceof OutputClosed) return constants.signals.SIGPIPE;
  const timedOut = error instanceof FsbError && error.code === 'timeout';
  return timedOut ? constants.signals.SIGKILL : undefined;
}

/** Of the two that have a size the one that is a terminal: `exec -it box sh > file` still has one. */
const drawnOn = ({ stdout, stderr }: Terminal): TerminalOutput => (stdout.isTTY ? stdout : stderr);

/** The size of the terminal that the process will draw on, when there is one. */
export function terminalSize(terminal: Terminal): TerminalSize | undefined {
  const { columns, rows } = drawnOn(terminal);
  return columns && rows ? { cols: columns, rows } : undefined;
}

/** @throws invalid_argument: a terminal or our input was asked for, and there is none to pass on */
export function assertInput(
  terminal: Pick<Terminal, 'stdin'>,
  flags: { tty: boolean; interactive: boolean; detach: boolean },
): void {
  if (flags.detach) return;
  // Looked at only where it is wanted: to open it takes longer than most else here.
  if (flags.interactive) assertReadable(terminal.stdin);
  if (flags.tty && !terminal.stdin.isTTY)
    throw new FsbError('invalid_argument', '-t needs a terminal, and standard input is not one', {
      hint: 'Leave out -t; -i alone sends standard input.',
    });
}

/** Where nobody can be told, it is for us, as it would be without the process: a core may not come for long. */
function passOn(signal: number, session: ProcessSession, interruption: Interruption): void {
  if (session.isAway) interruption.end(128 + signal);
  else session.signal(signal);
}

async function finish(session: ProcessSession, terminal: Terminal): Promise<SessionEnd> {
  const missing = new Missing(session);
  for await (const chunk of session.output) {
    const bytes = missing.before(chunk);
    if (bytes > 0) await tellDropped(terminal.stderr, bytes);
    await write(terminal[chunk.stream], chunk.data);
  }
  return { kind: 'exited', status: await session.exited, missing };
}

function followSize(terminal: Terminal, session: ProcessSession): () => void {
  const resize = (): void => {
    const size = terminalSize(terminal);
    if (size !== undefined) session.resize(size);
  };
  const output = drawnOn(terminal).on('resize', resize);
  return () => void output.off('resize', resize);
}

interface InputPump {
  detached: Promise<void>;
  stop(): void;
}

const noInput: InputPump = { detached: new Promise(() => {}), stop: () => {} };

/** One chunk at a time: reading goes on when the process has room, so a fast producer never fills our memory. */
function pumpInput(stdin: TerminalInput, session: ProcessSession, options: SessionOptions): InputPump {
  const filter = new DetachFilter(options.tty ? options.detachKeys : Buffer.alloc(0));
  let stopped = false;
  let detach: () => void = () => {};
  const detached = new Promise<void>((resolve) => {
    detach = resolve;
  });
  // A process that has ended takes no more input, and its end is what gets reported.
  const send = (data: Buffer): Promise<void> =>
    (data.length === 0 ? Promise.resolve() : session.write(data)).catch(() => undefined);
  const onData = (chunk: Buffer | string): void => {
    stdin.pause();
    const { data, detached: left } = filter.push(Buffer.from(chunk as string));
    void send(data).then(() => {
      if (left) detach();
      else if (!stopped) stdin.resume();
    });
  };
  const onEnd = (): void => void send(filter.flush()).then(() => session.endInput());
  stdin.on('data', onData).on('end', onEnd).on('error', onEnd);
  // A question that was asked before has paused it, and then a listener alone does not begin to read.
  stdin.resume();
  return {
    detached,
    stop: () => {
      stopped = true;
      stdin.off('data', onData).off('end', onEnd).off('error', onEnd);
      stdin.pause();
    },
  };
}

function rejectOnAbort(signal: AbortSignal, undo: (() => void)[]): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    undo.push(() => signal.removeEventListener('abort', abort));
  });
}
