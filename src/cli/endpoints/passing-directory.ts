import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory that goes with this process. */
export interface PassingDirectory {
  /** Mode 0700. */
  path: string;
  /** Idempotent. */
  remove(): void;
}

/** Its input ends when this process does, or when there is nothing more to remove. */
const AT_THE_END = 'read -r _; rm -rf -- "$0"';

/**
 * Makes a directory in $TMPDIR. Somebody waits for the end of this process, which may be killed, and removes it then:
 * in a session of its own, where neither ctrl-C, nor the end of the terminal, nor what kills the whole process group
 * reaches it.
 */
export function passingDirectory(prefix: string, env: NodeJS.ProcessEnv): PassingDirectory {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const keeper = spawn('/bin/sh', ['-c', AT_THE_END, path], {
    detached: true,
    cwd: '/',
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without one, the directory is removed as long as nobody kills this process. For want of descriptors it has no stdin.
  keeper.on('error', () => {});
  keeper.stdin?.on('error', () => {});
  keeper.unref();
  return {
    path,
    remove() {
      rmSync(path, { recursive: true, force: true });
      keeper.stdin?.destroy();
    },
  };
}
