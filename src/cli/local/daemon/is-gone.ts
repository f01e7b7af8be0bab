import { readFileSync } from 'node:fs';

/** Whether nothing but an exit status is left of the process, if that. */
export function isGone(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may hold brackets, too.
    return 'ZX'.includes(text[text.lastIndexOf(')') + 2]!);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return true;
    throw error;
  }
}
