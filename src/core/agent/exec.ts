import type { ExecRequest } from '../api/sandbox-api.ts';
import type { GuestProcess } from '../guest/guest-channel.ts';
import type { ProcessSession, ProcessSpec } from '../model/process.ts';
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
export function withTerminal(env: Record<string, string>, tty: boolean): Record<string, string> {
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
  forgetOnExit(process);
  return process;
}

/** Whoever started an exec is told its status once; nobody asks for it after a restart of the core. */
export function forgetOnExit(process: GuestProcess): void {
  process.exited.then(
    () => process.acknowledgeExit(),
    () => {},
  );
}
