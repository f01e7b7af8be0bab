import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciRuntimeName } from './oci-paths.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** Which file of the runtime's own state tells PID 1, and under which names. */
const STATE_FILES: Record<OciRuntimeName, { file: string; pid: string; startTime: string }> = {
  runc: { file: 'state.json', pid: 'init_process_pid', startTime: 'init_process_start' },
  crun: { file: 'status', pid: 'pid', startTime: 'process-start-time' },
};

/** PID 1 as the runtime wrote it down; undefined when it is not (or only half) written. */
export function parseRuntimeState(runtime: OciRuntimeName, text: string): ProcessIdentity | undefined {
  const names = STATE_FILES[runtime];
  try {
    const state = JSON.parse(text) as Record<string, unknown>;
    const pid = state[names.pid];
    const startTime = state[names.startTime];
    if (typeof pid !== 'number' || typeof startTime !== 'number' || pid <= 0) return undefined;
    return { pid, startTime };
  } catch {
    return undefined;
  }
}

/**
 * The same from the runtime's directory about one instance; undefined when there is none. Synchronous: the file is
 * small, was just written and lies in memory, and each asynchronous read costs the core more than all of this.
 */
export function readRuntimeState(runtime: OciRuntimeName, directory: string): ProcessIdentity | undefined {
  try {
    return parseRuntimeState(runtime, readFileSync(join(directory, STATE_FILES[runtime].file), 'utf8'));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
