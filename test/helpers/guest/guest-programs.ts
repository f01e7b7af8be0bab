import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { guestDirectory as directoryInPackage } from '../../../src/cli/local/guest-directory.ts';
import type { Launch } from '../../../src/core/image/launch.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { Launcher } from '../../../src/core/runtime/oci/launcher/launcher.ts';

const repository = resolve(import.meta.dirname, '../../..');
export const guestSources = join(repository, 'guest');

/** Where fsb-init and fsb-launch are, when buildGuest() was called. */
export const guestDirectory = builtFor();
export const initBinary = join(guestDirectory, 'fsb-init');
export const launchBinary = join(guestDirectory, 'fsb-launch');

/** The one of the two that this machine is not, and what runs its programs here. */
export const [otherArchitecture, emulator] =
  process.arch === 'arm64' ? ['x64', 'qemu-x86_64'] : ['arm64', 'qemu-aarch64'];

/** Of this checkout. @param architecture in Node's words; this machine's when left out */
export function builtFor(architecture?: string): string {
  return directoryInPackage(repository, architecture);
}

/** Builds fsb-init and fsb-launch when a source is newer. */
export function buildGuest(): void {
  makeGuest('all');
}

/** Makes a target of guest/Makefile; one at a time. Returns what was said. @throws when it fails */
export function makeGuest(...words: string[]): string {
  const make = ['make', '-s', '-C', guestSources, ...words];
  const made = spawnSync('flock', [join(guestSources, 'Makefile'), ...make], { encoding: 'utf8' });
  if (made.status === 0) return made.stdout;
  throw new Error(`make -C guest ${words.join(' ')}: ${made.stdout}${made.stderr || made.error?.message}`);
}

const launcher = new Launcher(launchBinary, systemClock);

/** Runs modes of fsb-launch, as a node hands it to its image store. One `fsb-launch serve` for a whole test file. */
export const launch: Launch = (words, options) => launcher.run(words, options);
