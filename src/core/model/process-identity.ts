import { readFileSync } from 'node:fs';

/** One process for good: a pid alone may be reused. */
export interface ProcessIdentity {
  pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since the node booted. */
  startTime: number;
}

export interface ProcessStat {
  /** `R`, `S`, `Z`, ... */
  state: string;
  startTime: number;
}

/** Parses /proc/PID/stat; undefined when it is not that. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  // The name, field 2, may hold spaces and brackets: only its last bracket ends it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const startTime = Number(fields[19]);
  if (!text.includes(')') || !Number.isInteger(startTime)) return undefined;
  return { state: fields[0]!, startTime };
}

/**
 * Undefined when there is no such process. Synchronous: what it tells must still hold when a signal follows.
 * @throws what else the system says: with too few descriptors nobody knows whether it is there
 */
export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** It is that very process, and more of it is left than an exit status. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return liveStat(pid)?.startTime === startTime;
}

/** Nothing but an exit status is left of the process, if that. */
export const isGone = (pid: number): boolean => liveStat(pid) === undefined;

function liveStat(pid: number): ProcessStat | undefined {
  const stat = readProcessStat(pid);
  return stat?.state === 'Z' || stat?.state === 'X' ? undefined : stat;
}

/** Sends SIGKILL; false when it was gone already. */
export function killProcess(identity: ProcessIdentity): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, 'SIGKILL');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
