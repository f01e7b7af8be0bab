import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = join(import.meta.dirname, 'delayed-link.py');

/** Milliseconds that a packet is on its way, in each direction: a round trip takes twice that. */
export const ONE_WAY = 10;

/** A network namespace behind a slow link; the other end of it is in the namespace of this process. */
export interface DelayedLink extends AsyncDisposable {
  /** The address here, and the one there. */
  near: string;
  far: string;
  /** Words before a command line that is to run there. */
  enter: string[];
}

/**
 * IP packets really go from one network namespace to the other one, each ONE_WAY late. A program does it, and not the
 * kernel's netem, which not every kernel has; so connections, windows and losses are the kernel's all the same.
 */
export async function delayedLink(): Promise<DelayedLink> {
  const child = spawn('python3', [program, String(ONE_WAY)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const failed = exited.then(() => Promise.reject(new Error('there is no link: see what was written above')));
  // It ends at the end, too.
  failed.catch(() => {});
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), failed])) as [string];
  const [pid, near, far] = line.split(' ') as [string, string, string];
  return {
    near,
    far,
    enter: ['nsenter', `--net=/proc/${pid}/ns/net`],
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}
