import { z } from 'zod';
import { didYouMean } from '../../model/failure/did-you-mean.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { describeIssues } from '../../model/failure/issues.ts';
import { parseDuration } from '../../model/quantity.ts';
import { toolNames } from '../registry.ts';

/**
 * What a client says about the sandboxes that it wants. Clients of other pool servers send many keys, most of them with
 * their defaults: what has a meaning here is taken, what asks for something that is not offered is an error, and what
 * can be left undone without harm is a warning.
 */

/** A list of tools, or a table with their settings: all tools are always there, so only the names are looked at. */
const toolsConfig = z
  .union([z.array(z.string()), z.record(z.string(), z.unknown())], { error: 'must name tools' })
  .superRefine((given, ctx) => {
    for (const name of Array.isArray(given) ? given : Object.keys(given)) {
      if (toolNames.includes(name)) continue;
      const near = didYouMean(name, toolNames);
      const hint = near === undefined ? `the tools are ${toolNames.join(', ')}` : `did you mean ${near}?`;
      ctx.addIssue({ code: 'custom', message: `unknown tool ${JSON.stringify(name)}; ${hint}` });
    }
  });

/** A key that says nothing when it is empty, and otherwise asks for what is not here. */
const notOffered = (instead: string) =>
  z.unknown().refine(isNothing, `is not offered; ${instead}`).optional();

const isNothing = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);

const ignored = z.unknown().optional();

const positive = z.number().positive('must be more than 0');
const size = z.union([z.string(), positive], { error: 'must be a size like 512m' });

const ttl = z.union([z.string(), z.number().nonnegative()]).transform((value, ctx) => {
  if (typeof value === 'number') return value * 1000;
  try {
    return parseDuration(value);
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: FsbError.from(error).message });
    return z.NEVER;
  }
});

const volume = z.strictObject({
  bind: z.string().startsWith('/', 'must be an absolute path'),
  /** As -v of the command line: what may be written must be said to be. */
  mode: z.enum(['ro', 'rw']).default('ro'),
});

const configSchema = z.strictObject({
  image: z.string().min(1, 'must not be empty').optional(),
  memory_limit: size.optional(),
  cpu_limit: positive.optional(),
  pids_limit: z.number().int().positive('must be more than 0').optional(),
  network: z.string().nullish(),
  network_enabled: z.boolean().optional(),
  volumes: z.record(z.string(), volume).default({}),
  /** Seconds, or a duration; 0: never reclaimed. */
  ttl: ttl.optional(),
  tools_config: toolsConfig.optional(),
  working_dir: z.string().optional(),

  env_vars: notOffered('set variables in the code or the command'),
  command: notOffered('the tools start what runs'),
  ports: notOffered('nothing listens outside a sandbox'),
  privileged: notOffered('sandboxes have no privileges'),
  extra_hosts: notOffered('write /etc/hosts with a tool'),
  platform: notOffered('images are of this machine'),
  resource_limits: notOffered('use memory_limit, cpu_limit and pids_limit'),

  // How those clients and their servers work; nothing here depends on it.
  timeout: ignored,
  remove_on_exit: ignored,
  pull_progress: ignored,
  pull_progress_interval: ignored,
  docker_executor_workers: ignored,
});

export interface SandboxConfig {
  image?: string;
  /** In the words of a sandbox spec; what is left out is the pool's. */
  resources: { memory?: string | number; cpus?: number; pids?: number };
  network: 'none' | 'host';
  mounts: { source: string; target: string; read_only: boolean }[];
  /** Milliseconds; left out: the pool's. */
  ttl?: number;
  /** What was asked for and is left undone. */
  warnings: string[];
}

/** @throws invalid_argument that names every wrong key */
export function parseSandboxConfig(input: unknown, workingDirectory: string): SandboxConfig {
  const result = configSchema.safeParse(input);
  if (!result.success) {
    const { lines, hint } = describeIssues(result.error.issues, Object.keys(configSchema.shape));
    throw new FsbError('invalid_argument', `invalid sandbox config: ${lines.join('; ')}`, { hint });
  }
  const { image, memory_limit: memory, cpu_limit: cpus, pids_limit: pids, volumes, ttl: keep } = result.data;
  return {
    ...(image === undefined ? {} : { image }),
    resources: {
      ...(memory === undefined ? {} : { memory }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(pids === undefined ? {} : { pids }),
    },
    network: networkOf(result.data),
    mounts: Object.entries(volumes).map(([source, { bind, mode }]) => ({
      source,
      target: bind,
      read_only: mode === 'ro',
    })),
    ...(keep === undefined ? {} : { ttl: keep }),
    warnings: warningsFor(result.data, workingDirectory),
  };
}

type Config = z.output<typeof configSchema>;

const networkOf = ({ network, network_enabled: enabled }: Config): SandboxConfig['network'] =>
  network === 'host' && enabled !== false ? 'host' : 'none';

function warningsFor(config: Config, workingDirectory: string): string[] {
  const { network, network_enabled: enabled, working_dir: directory } = config;
  const wantsNetwork = enabled === true || (typeof network === 'string' && network !== 'none');
  const warnings: string[] = [];
  if (wantsNetwork && enabled !== false && networkOf(config) === 'none')
    warnings.push('the sandbox has no network: there is only network none and host');
  if (directory !== undefined && directory !== workingDirectory)
    warnings.push(`tools work in ${workingDirectory}, not in ${directory}: use absolute paths`);
  return warnings;
}
