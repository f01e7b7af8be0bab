import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../model/process-identity.ts';
import type { OciRuntimeName } from './oci-paths.ts';

/** Which file of the runtime's own state tells PID 1, and how. Both runtimes put a new file in place by a rename. */
const STATE_FILES: Record<OciRuntimeName, { file: string; pid: RegExp; startTime: RegExp }> = {
  runc: {
    file: 'state.json',
    pid: /"init_process_pid":\s*(\d+)\s*[,}]/,
    startTime: /"init_process_start":\s*(\d+)\s*[,}]/,
  },
  crun: { file: 'status', pid: /"pid":\s*(\d+)\s*[,}]/, startTime: /"process-start-time":\s*(\d+)\s*[,}]/ },
};

/** Both numbers are among the first that the file tells; runc's goes on with 25 kB of configuration. */
const HEAD = 4096;

/** PID 1 as the runtime wrote it down; undefined when it is not (or only half) written. */
export function parseRuntimeState(runtime: OciRuntimeName, text: string): ProcessIdentity | undefined {
  const { pid, startTime } = STATE_FILES[runtime];
  const identity = { pid: numberOf(pid, text), startTime: numberOf(startTime, text) };
  return identity.pid > 0 && !Number.isNaN(identity.startTime) ? identity : undefined;
}

const numberOf = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);

/**
 * The same from the runtime's directory about one instance; undefined when there is none. Synchronous: the head of a
 * small file that lies in memory costs the core less than one turn through the thread pool.
 */
export function readRuntimeState(runtime: OciRuntimeName, directory: string): ProcessIdentity | undefined {
  try {
    return parseRuntimeState(runtime, readHead(join(directory, STATE_FILES[runtime].file)));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function readHead(path: string): string {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.allocUnsafe(HEAD);
    return head.toString('utf8', 0, readSync(file, head, 0, HEAD, 0));
  } finally {
    closeSync(file);
  }
}
