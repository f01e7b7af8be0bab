import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** Where fsb-init and fsb-launch are, when buildGuest() was called. */
export const guestDirectory = join(repository, 'guest/build');
export const launchBinary = join(guestDirectory, 'fsb-launch');

/** Builds fsb-init and fsb-launch when a source is newer; one build at a time. */
export function buildGuest(): void {
  const made = spawnSync(
    'flock',
    ['/tmp/fsb-guest-build.lock', 'make', '-s', '-C', join(repository, 'guest')],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`make -C guest failed: ${made.stderr || made.error?.message}`);
}
