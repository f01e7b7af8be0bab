import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { ProcessEvents } from './world.ts';

/** The events of this process, but for hangups where whoever started it has them ignored, as `nohup` does. */
export function processEvents(): ProcessEvents {
  const guards = new Map<() => void, () => void>();
  return {
    on(event, listener) {
      if (event !== 'SIGHUP') return process.on(event, listener);
      const guard = (): void => {
        if (!startedWithoutHangups()) listener();
      };
      guards.set(listener, guard);
      return process.on(event, guard);
    },
    off(event, listener) {
      const guard = event === 'SIGHUP' ? guards.get(listener) : undefined;
      guards.delete(listener);
      return process.off(event, guard ?? listener);
    },
  };
}

/**
 * Node takes every signal back that it was started with as ignored, before any code of ours: then the kernel knows nothing
 * of it any more. But a shell puts what it starts into `_`, and there it is still `nohup` when that has become this process;
 * and a script that ignores hangups, or was started by `nohup`, does so while it waits. Asked when one has come: the
 * answer takes half a millisecond, and hardly any command needs it.
 */
const startedWithoutHangups = (): boolean =>
  basename(process.env._ ?? '') === 'nohup' || ignoresHangups(process.ppid);

function ignoresHangups(pid: number): boolean {
  try {
    const lastDigit = /^SigIgn:.*(.)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return (Number.parseInt(lastDigit ?? '0', 16) & 1) === 1;
  } catch {
    return false;
  }
}
