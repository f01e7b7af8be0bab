import type { SandboxChange } from '../../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { TerminalSize } from '../../../../src/core/model/process.ts';
import { readChange } from '../../../../src/core/model/sandbox/change.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { HostProcess } from './host-process.ts';
import { notRunning } from './host-session.ts';
import { MemoryLog } from './memory-log.ts';

export interface Running {
  record: Sandbox;
  process: HostProcess;
  log: MemoryLog;
  execs: HostProcess[];
}

/**
 * Starts the command of a sandbox: of its first generation or of another one.
 * @param size of its terminal
 * @param earlier whose log it goes on with
 * @throws command_not_found
 */
export function begin(record: Sandbox, size?: TerminalSize, earlier?: MemoryLog): Running {
  const { command, args, envs: env, working_dir: cwd, tty, stdin, ttl } = record.spec;
  const process = new HostProcess({ argv: [...command, ...args], env, cwd, tty, stdin, size });
  const startedAt = Date.now();
  record.state = { phase: 'Running', startedAt };
  record.expiresAt = ttl === undefined ? 0 : startedAt + ttl;
  record.events = [...record.events, { time: startedAt, message: 'started' }];
  const log = new MemoryLog(earlier?.entries);
  // What it leaves behind goes with the sandbox.
  process.child.on('exit', () => process.signal(9));
  process.child.stdout.on('data', (data: Buffer) => log.append('stdout', data));
  process.child.stderr.on('data', (data: Buffer) => log.append('stderr', data));
  void process.exited.then((status) => {
    record.state = { phase: 'Exited', startedAt, endedAt: Date.now(), status };
    log.end();
  });
  return { record, process, log, execs: [] };
}

export const assertAwake = ({ name, state }: Sandbox): void => {
  if (state.phase !== 'Running') throw notRunning(name);
  if (state.paused)
    throw new FsbError('conflict', `sandbox ${name} is paused`, { hint: 'Let it go on first.' });
};

/** @throws conflict */
export function freeze({ record, process }: Running, frozen: boolean): void {
  const { state, name } = record;
  if (state.phase !== 'Running') throw notRunning(name);
  if ((state.paused === true) === frozen)
    throw new FsbError('conflict', `sandbox ${name} is ${frozen ? 'paused already' : 'not paused'}`, {
      hint: 'Look how it is first.',
    });
  process.signal(frozen ? 19 : 18);
  record.state = { phase: 'Running', startedAt: state.startedAt, ...(frozen && { paused: true }) };
}

/** What is left out stays. @throws invalid_argument */
export function applyChange(record: Sandbox, change: SandboxChange): void {
  const { ttl, expireTime, labels = {}, resources, ...recovery } = readChange(change);
  const { spec } = record;
  const kept = Object.entries({ ...spec.labels, ...labels }).filter(([, value]) => value !== null);
  spec.labels = Object.fromEntries(kept) as Record<string, string>;
  spec.failure_policy = recovery.failurePolicy ?? spec.failure_policy;
  spec.recovery_timeout_seconds = recovery.recoveryTimeoutSeconds ?? spec.recovery_timeout_seconds;
  spec.resources = { ...spec.resources, ...resources };
  if (expireTime !== undefined) record.expiresAt = expireTime * 1000;
  if (ttl !== undefined) record.expiresAt = ttl === 0 ? 0 : Date.now() + ttl;
}
