import type { ExecRequest } from '../api/sandbox-api.ts';
import type { GuestProcess } from '../guest/guest-channel.ts';
import type { OutputChunk, ProcessSession, ProcessSpec } from '../model/process.ts';
import type { SandboxRun } from './sandbox-run.ts';

/** What an exec runs: the sandbox's own surroundings, with what the request says on top. */
export function execProcess(main: ProcessSpec, request: ExecRequest): ProcessSpec {
  return {
    argv: request.argv,
    env: withTerminal({ ...main.env, ...request.env }, request.tty),
    cwd: request.cwd || main.cwd,
    user: request.user || main.user,
    tty: request.tty,
    stdin: request.stdin,
    discardOutput: request.detach ?? false,
    ...(request.size ? { size: request.size } : {}),
  };
}

/** As docker: a terminal without TERM is an xterm. */
function withTerminal(env: Record<string, string>, tty: boolean): Record<string, string> {
  return tty && env.TERM === undefined ? { ...env, TERM: 'xterm' } : env;
}

/** Starts a further process in a running sandbox. */
export async function execInRun(
  run: SandboxRun,
  request: ExecRequest,
  signal?: AbortSignal,
): Promise<ProcessSession> {
  const process = await run.instance.channel.spawn(
    run.nextProcessId(),
    execProcess(run.slot.process, request),
    signal,
  );
  process.exited.then(
    (status) => run.execEnded(status),
    () => {},
  );
  return execSession(process);
}

/**
 * An exec as its caller holds it. When the caller lets go, the process runs on: its input ends, its output is read and
 * dropped, so that it is not held back, and its exit is acknowledged, as nobody asks for it later.
 */
export function execSession(process: GuestProcess): ProcessSession {
  const source = process.output[Symbol.asyncIterator]();
  let letGo = (): void => {};
  const gone = new Promise<IteratorResult<OutputChunk>>((resolve) => {
    letGo = () => resolve({ done: true, value: undefined });
  });
  let reading: Promise<IteratorResult<OutputChunk>> | undefined;
  let closed = false;
  const next = (): Promise<IteratorResult<OutputChunk>> => {
    // Only one may wait for the output: a late question would take the place of the drain, and end it.
    if (closed) return gone;
    reading = source.next();
    return Promise.race([reading, gone]);
  };
  const drain = async (): Promise<void> => {
    try {
      await reading;
      while (!(await source.next()).done);
    } catch {
      // The channel is lost: there is nothing left to drain.
    }
  };
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    letGo();
    process.endInput();
    void drain();
  };
  process.exited.then(
    () => process.acknowledgeExit(),
    () => {},
  );
  return {
    output: {
      [Symbol.asyncIterator]: () => ({
        next,
        async return() {
          await close();
          return { done: true, value: undefined };
        },
      }),
    },
    exited: process.exited,
    write: (data) => process.write(data),
    endInput: () => process.endInput(),
    resize: (size) => process.resize(size),
    signal: (signal) => process.signal(signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}
