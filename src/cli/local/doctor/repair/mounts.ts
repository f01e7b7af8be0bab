import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Fault, FindFaults } from './fault.ts';

/**
 * Mounts on the roots of instances, which a core makes in namespaces of their own only: what shows up here is left of
 * something that went wrong. Mounts of the administrator (a disk for the root) are not among them.
 */
export const leftMounts: FindFaults = async ({ paths }, { running }) => {
  if (running) return [];
  const own = [join(paths.run, 'i/'), join(paths.state, 'instances/')];
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  return mountPoints(mountinfo)
    .filter((point) => own.some((directory) => point.startsWith(directory)))
    .map(unmounting);
};

/** The last first: it may lie on one before it. */
const mountPoints = (mountinfo: string): string[] =>
  mountinfo
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map((point) =>
      point.replaceAll(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))),
    )
    .reverse();

const unmounting = (point: string): Fault => ({
  remedy: `unmount ${point}`,
  fix: () => promisify(execFile)('umount', ['--', point]),
});
