import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Launch } from '../../src/core/image/launch.ts';
import { systemClock } from '../../src/core/model/clock.ts';
import { Launcher } from '../../src/core/runtime/oci/launcher/launcher.ts';

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

const launcher = new Launcher(launchBinary, systemClock);

/** Runs modes of fsb-launch, as a node hands it to its image store. One `fsb-launch serve` for a whole test file. */
export const launch: Launch = (words, options) => launcher.run(words, options);
