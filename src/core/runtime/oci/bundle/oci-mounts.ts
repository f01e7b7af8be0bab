import { posix } from 'node:path';
import { FsbError } from '../../../model/failure/errors.ts';
import { GUEST_INIT } from '../../../model/guest-tool.ts';
import type { Mount } from '../../../model/sandbox/shape.ts';

export interface OciMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

/** What every container has, as docker makes it. */
export const defaultMounts: OciMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  },
];

/** Kernel state that tells about the node; an instance sees an empty file or directory instead. */
export const maskedPaths: string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

export const readonlyPaths: string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
  // The controllers of cgroup v1 stand on a tmpfs, which runc makes writable whatever the mount says.
  '/sys/fs/cgroup',
];

/** Covering one of these would take the instance apart, or hide that it is one. */
const RESERVED = ['/proc', '/sys', '/dev', GUEST_INIT];

/**
 * The mounts that were asked for, outer ones first.
 * @throws invalid_argument for a target that an instance needs itself, or one that is given twice
 */
export function shapeMounts(mounts: Mount[]): OciMount[] {
  const targets = mounts.map((mount) => checkedTarget(mount));
  const twice = targets.find((target, index) => targets.indexOf(target) !== index);
  if (twice !== undefined) throw refuse(twice, 'it is given twice');
  return mounts
    .map((mount, index) => bindMount(mount, targets[index]!))
    .sort((a, b) => a.destination.length - b.destination.length);
}

function bindMount(mount: Mount, destination: string): OciMount {
  // Not recursive: a file system mounted below the source would come along writable.
  const options = ['bind', mount.readOnly ? 'ro' : 'rw', 'nosuid', 'nodev', 'private'];
  return { destination, type: 'bind', source: mount.source, options };
}

function checkedTarget({ target }: Mount): string {
  if (!target.startsWith('/')) throw refuse(target, 'it is not an absolute path');
  const clean = posix.normalize(target).replace(/(?<=.)\/$/, '');
  if (clean === '/') throw refuse(target, 'it would cover the whole root');
  const reserved = RESERVED.find((path) => clean === path || clean.startsWith(`${path}/`));
  if (reserved !== undefined) throw refuse(target, `${reserved} belongs to the instance itself`);
  return clean;
}

const refuse = (target: string, why: string): FsbError =>
  new FsbError('invalid_argument', `cannot mount on ${target}: ${why}`, {
    hint: 'Choose another target path.',
  });
