import { resolve } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import { formatDuration } from '../../core/model/quantity.ts';
import type { SandboxSpecInput } from '../../core/model/sandbox/spec.ts';
import { defined, nonEmpty } from '../command/given-only.ts';
import { limitsIn } from '../command/limit-flags.ts';
import { parseLabels } from './env-words.ts';
import type { RunFlags } from './run-flags.ts';

export type PartialSpec = Partial<SandboxSpecInput>;

/**
 * The keys of the spec that the flags and the words after NAME give, and no others. As in docker, the words replace
 * the image's default command and keep its entrypoint; --entrypoint replaces that. An empty one is an empty `command`,
 * which mergeSpecs() understands.
 * @param envs what --env and --env-file come to
 * @param cwd that sources of mounts are relative to
 * @throws invalid_argument
 */
export function specFromFlags(
  flags: Partial<RunFlags>,
  envs: Record<string, string>,
  words: string[],
  cwd: string,
): PartialSpec {
  return defined({
    image: flags.image,
    command: flags.entrypoint === undefined ? undefined : flags.entrypoint === '' ? [] : [flags.entrypoint],
    args: words.length === 0 ? undefined : words,
    envs: nonEmpty(envs),
    working_dir: flags.workdir,
    user: flags.user,
    labels: nonEmpty(parseLabels(flags.label ?? [])),
    ttl: flags.ttl === undefined ? undefined : formatDuration(flags.ttl),
    expire_time: flags['expire-time'],
    pool_ref: flags.pool,
    consistency_mode: flags.consistency,
    resources: nonEmpty(limitsIn(flags)),
    network: flags.network,
    mounts: flags.volume?.map((text) => parseVolume(text, cwd)),
    exposed_ports: flags.port?.map(parsePort),
    failure_policy: flags['failure-policy'],
    recovery_timeout_seconds: flags['recovery-timeout'],
    stdin: flags.interactive || undefined,
    tty: flags.tty || undefined,
  }) as PartialSpec;
}

/**
 * Flags over a file: maps merge key by key, lists of mounts and ports add up (a mount replaces that of the same target),
 * all else replaces. Without an entrypoint the arguments are the command.
 * @throws invalid_argument when there is neither
 */
export function mergeSpecs(base: Record<string, unknown>, over: PartialSpec): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base, ...over };
  for (const key of ['envs', 'labels', 'resources'] as const)
    if (isRecord(base[key]) && over[key] !== undefined) merged[key] = { ...base[key], ...over[key] };
  if (Array.isArray(base.exposed_ports) && over.exposed_ports !== undefined)
    merged.exposed_ports = [...new Set<unknown>([...base.exposed_ports, ...over.exposed_ports])];
  if (Array.isArray(base.mounts) && over.mounts !== undefined)
    merged.mounts = [...base.mounts.filter((mount) => !isReplaced(mount, over.mounts!)), ...over.mounts];
  if (over.ttl !== undefined && over.expire_time === undefined) delete merged.expire_time;
  if (over.expire_time !== undefined && over.ttl === undefined) delete merged.ttl;
  return over.command?.length === 0 ? withoutEntrypoint(merged) : merged;
}

const isReplaced = (mount: unknown, by: { target: string }[]): boolean =>
  isRecord(mount) && by.some(({ target }) => target === mount.target);

/** As in docker, an image's default command goes with its entrypoint: it may be nothing but that one's arguments. */
function withoutEntrypoint({ args, ...spec }: Record<string, unknown>): Record<string, unknown> {
  if (args === undefined || (Array.isArray(args) && args.length === 0))
    throw new FsbError(
      'invalid_argument',
      'no command was given, and --entrypoint "" takes away the image\'s',
      {
        hint: 'Give one: fsb-ctl run NAME --image IMAGE --entrypoint "" -- COMMAND ARG...',
      },
    );
  return { ...spec, command: args };
}

/**
 * `source:target`, `source:target:ro`, `source:target:rw`. Read-only unless rw is said. A source that begins with `.` or
 * `..` is relative to `cwd`, as in docker; any other without a slash in front would be a named volume there.
 * @throws invalid_argument
 */
export function parseVolume(
  text: string,
  cwd: string,
): { source: string; target: string; read_only: boolean } {
  const [given = '', target, mode, ...rest] = text.split(':');
  const source = /^\.\.?(\/|$)/.test(given) ? resolve(cwd, given) : given;
  const known = mode === undefined || mode === 'ro' || mode === 'rw';
  if (!source.startsWith('/') || !target?.startsWith('/') || !known || rest.length > 0)
    throw new FsbError('invalid_argument', `invalid volume ${JSON.stringify(text)}`, {
      hint: 'Write it like /source:/target, ./source:/target:ro or /source:/target:rw; there are no named volumes.',
    });
  return { source, target, read_only: mode !== 'rw' };
}

/** @throws invalid_argument */
export function parsePort(text: string): number {
  const [, digits = ''] = /^(\d{1,5})(?:\/tcp)?$/.exec(text) ?? [];
  const port = Number(digits);
  if (port >= 1 && port <= 65_535) return port;
  // As docker publishes one: 8080:80, 127.0.0.1:8080:80/tcp.
  const pair = /(?:^|:)(\d{1,5}:\d{1,5})(?:\/tcp)?$/.exec(text)?.[1];
  const way = pair === undefined ? '' : `; reach it from here with: fsb-ctl port-forward NAME ${pair}`;
  throw new FsbError('invalid_argument', `invalid port ${JSON.stringify(text)}`, {
    hint: `Give the port inside the sandbox, 1 to 65535; no port of the node is taken for it${way}`,
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
