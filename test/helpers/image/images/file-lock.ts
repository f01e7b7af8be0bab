import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs `work` while no other process of this machine that asks for the same lock runs its own. The lock is the kernel's:
 * it is free as soon as its holder is gone, however that ended.
 * @param path a file, made when it is missing
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; read -r line'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'close');
  const locked = once(holder.stdout, 'data').then(() => true);
  try {
    if ((await Promise.race([locked, ended.then(() => false)])) !== true)
      throw new Error(`cannot lock ${path}: flock (package util-linux) ended`);
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
