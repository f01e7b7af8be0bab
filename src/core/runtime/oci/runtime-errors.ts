import { saidDiskFailure } from '../../model/failure/disk-failure.ts';
import { diskFull, saysDiskFull } from '../../model/failure/disk-full.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { diskHint } from './disk-needs.ts';
import type { LaunchResult } from './launcher/launch-frames.ts';

/** Patterns in what fsb-launch or the runtime said, and what a person can do about it. */
const HINTS: [RegExp, string][] = [
  [
    /^take up layers .*No such file/,
    'The files that it is to go on with are gone. Begin anew from the image: fsb-ctl reset NAME',
  ],
  [/^execute .*: No such file/, 'It was there before; see what `fsb-ctl doctor` reports.'],
  [
    /mount overlay on .*Invalid argument/,
    'The state directory must be on a file system that overlayfs can write to, such as ext4, xfs or btrfs; move it with --root.',
  ],
  [/mount overlay on .*No such device/, 'This kernel has no overlayfs; load it with `modprobe overlay`.'],
  [
    /^(open|get|set up) a? ?loop devices?|^mount disk .*No such device/,
    `${diskHint()} The kernel must know ext4.`,
  ],
  // A full disk is told from it before.
  [/[Nn]o space left on device/, 'The node has no room for more cgroups or mounts.'],
  [/OOM-killed|memory limit too low/, 'Give it more memory.'],
  [/hybrid mode not supported|cgroups? .*hybrid/i, 'Use runc, or boot the node with cgroup v2 only.'],
  [
    /[Oo]peration not permitted|[Pp]ermission denied/,
    'The core lacks a right that it needs; see what `fsb-ctl doctor` reports.',
  ],
];

/** What there is too little of for now, in the same way. */
const SHORTAGES: [RegExp, string][] = [
  [/cannot allocate memory|out of memory/i, 'The node is short of memory.'],
  [/too many open files|No file descriptors available/i, 'Raise the limit of open files of the core.'],
  [
    /resource temporarily unavailable|failed to create new OS thread/i,
    'The core may have no more processes: raise the limit of its cgroup (TasksMax of its service) or of its user (ulimit -u).',
  ],
];

/** What has a limit of its own, and fails in the same words when it is reached. */
const IS_NO_DISK = /cgroup|mount (overlay|on)|mount namespace/;

/** The path that a program was at: `write file /run/x/config.json: No space left on device`. */
const pathIn = (reason: string): string | undefined => / (\/[^ :]+):/.exec(reason)?.[1];

/** The last error in a runtime's JSON log; empty when it logged none. */
export function lastLoggedError(log: string): string {
  let found = '';
  for (const line of log.split('\n')) {
    const entry = parseEntry(line);
    if (entry !== undefined && ['error', 'fatal', 'panic'].includes(entry.level)) found = entry.msg;
  }
  return found;
}

function parseEntry(line: string): { level: string; msg: string } | undefined {
  try {
    const { level, msg } = JSON.parse(line) as Record<string, unknown>;
    return typeof level === 'string' && typeof msg === 'string' ? { level, msg } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What a failed run of fsb-launch or the runtime means, for a person.
 * @param otherHint when nothing is known about it
 */
export function runtimeFailure(
  what: string,
  runtime: string,
  result: LaunchResult,
  log: string,
  otherHint?: string,
): FsbError {
  const said = (lastLoggedError(log) || result.stderr)
    .trim()
    .replace(/^fsb-launch: /, '')
    .replace(/^runc \w+ failed: /, '');
  const ending = result.signal === null ? `exit code ${result.code}` : `signal ${result.signal}`;
  const reason = said === '' ? `${runtime} ended with ${ending} and said nothing` : oneLine(said);
  if (saysDiskFull(reason) && !IS_NO_DISK.test(reason)) return diskFull(what, { where: pathIn(reason) });
  const disk = IS_NO_DISK.test(reason) ? undefined : saidDiskFailure(reason);
  if (disk !== undefined) return new FsbError(disk.code, `${what}: ${reason}`, { hint: disk.hint });
  const shortage = hintIn(SHORTAGES, reason);
  if (shortage !== undefined) return new FsbError('no_capacity', `${what}: ${reason}`, { hint: shortage });
  const hint = hintIn(HINTS, reason);
  return new FsbError('run_failed', `${what}: ${reason}`, {
    hint: hint ?? (said === '' ? `Try \`${runtime} --version\`.` : otherHint),
  });
}

const hintIn = (hints: [RegExp, string][], reason: string): string | undefined =>
  hints.find(([pattern]) => pattern.test(reason))?.[1];

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, '; ').slice(0, 1000);
