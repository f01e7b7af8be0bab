import { FsbError } from '../../core/model/failure/errors.ts';
import type { TlsFiles } from '../terminal/world.ts';
import { type Context, DEFAULT_CONTEXT } from './context.ts';
import type { ConfigFile } from './files.ts';
import type { ConfigKey } from './schema.ts';

/** Everything that may say something about a setting. Nothing is read here. */
export interface Sources {
  /** What was typed; `host` is the endpoint. */
  flags: { host?: string; context?: string; namespace?: string; output?: string };
  env: Record<string, string | undefined>;
  project?: ConfigFile | undefined;
  user?: ConfigFile | undefined;
  /** @throws not_found */
  context(name: string): Context;
}

export interface Origin {
  source: 'flag' | 'environment' | 'project' | 'user' | 'context' | 'default';
  /** `--host`, `FSB_HOST`, the path of the file, the name of the context; empty for a default. */
  name: string;
}

export interface Setting {
  /** Undefined: nobody says it, and there is no default. */
  value: string | undefined;
  origin: Origin;
}

/** The core that a command talks to. */
export interface CoreChoice {
  /** Undefined: the local core. */
  endpoint: string | undefined;
  /** Undefined: an endpoint was given instead. */
  context: string | undefined;
  tls: TlsFiles | undefined;
  /** Who chose the endpoint or the context. */
  origin: Origin;
}

const byDefault: Origin = { source: 'default', name: '' };
const flag = (name: string): Origin => ({ source: 'flag', name });
const variable = (name: string): Origin => ({ source: 'environment', name });
const fileOrigin = ({ scope, file }: ConfigFile): Origin => ({ source: scope, name: file });

/** Who says where the core is, and what: an endpoint, or the name of a context that may not be there. */
export interface Choice {
  kind: 'endpoint' | 'context';
  value: string;
  origin: Origin;
}

/**
 * --host or --context, else FSB_HOST, FSB_CONTEXT, the project's context, the user's endpoint or context, the local core.
 * @throws invalid_argument for an endpoint and a context at the same place
 */
export function choiceOf({ flags, env, project, user }: Sources): Choice {
  assertNotBoth(flags.host, flags.context, '--host and --context', 'Give one of them.');
  const { endpoint, context } = user?.values ?? {};
  const way = 'Remove one: fsb-ctl config unset endpoint, or fsb-ctl config unset context';
  assertNotBoth(endpoint, context, `endpoint and context in ${user?.file}`, way);
  const candidates: [kind: Choice['kind'], value: string | undefined, origin: () => Origin][] = [
    ['endpoint', flags.host, () => flag('--host')],
    ['context', flags.context, () => flag('--context')],
    ['endpoint', env.FSB_HOST || undefined, () => variable('FSB_HOST')],
    ['context', env.FSB_CONTEXT || undefined, () => variable('FSB_CONTEXT')],
    ['context', project?.values.context, () => fileOrigin(project!)],
    ['endpoint', endpoint, () => fileOrigin(user!)],
    ['context', context, () => fileOrigin(user!)],
  ];
  for (const [kind, value, origin] of candidates)
    if (value !== undefined) return { kind, value, origin: origin() };
  return { kind: 'context', value: DEFAULT_CONTEXT, origin: byDefault };
}

/** @throws as choiceOf(); not_found for a context that is not there */
export function chooseCore(sources: Sources): CoreChoice {
  const { kind, value, origin } = choiceOf(sources);
  if (kind === 'endpoint') return { endpoint: value, context: undefined, tls: undefined, origin };
  const found = findContext(value, origin, sources);
  return { endpoint: found.endpoint || undefined, context: value, tls: found.tls, origin };
}

function assertNotBoth(a: string | undefined, b: string | undefined, what: string, hint: string): void {
  if (a === undefined || b === undefined) return;
  throw new FsbError('invalid_argument', `${what} contradict each other`, { hint });
}

function findContext(name: string, { source, name: place }: Origin, { context }: Sources): Context {
  try {
    return context(name);
  } catch (error) {
    const { code, message, hint } = FsbError.from(error);
    const named = source === 'default' ? message : `${message} (named by ${place})`;
    throw new FsbError(code, named, { hint, cause: error });
  }
}

/** @throws as chooseCore(), for the keys that depend on it */
export function settingOf(key: ConfigKey, sources: Sources): Setting {
  if (key === 'endpoint') return endpointSetting(sources);
  if (key === 'context') {
    const { context, origin } = chooseCore(sources);
    return { value: context, origin };
  }
  // One after the other: what is said first must not depend on what comes later.
  for (const candidate of key === 'namespace' ? namespaceCandidates(sources) : candidatesOf(key, sources)) {
    const setting = candidate();
    if (setting?.value !== undefined) return setting;
  }
  return { value: DEFAULTS[key], origin: byDefault };
}

const DEFAULTS: Partial<Record<ConfigKey, string>> = {
  namespace: 'default',
  output: 'table',
  pool: 'default-pool',
  color: 'auto',
};

function endpointSetting(sources: Sources): Setting {
  const { endpoint, context, origin } = chooseCore(sources);
  if (context === undefined) return { value: endpoint, origin };
  return endpoint === undefined
    ? { value: undefined, origin: byDefault }
    : { value: endpoint, origin: { source: 'context', name: context } };
}

type Candidate = () => Setting | undefined;

function candidatesOf(key: ConfigKey, { flags, project, user }: Sources): Candidate[] {
  return [
    () => (key === 'output' ? { value: flags.output, origin: flag('--output') } : undefined),
    () => inFile(key, project),
    () => inFile(key, user),
  ];
}

/** A context says it for one core, the user's file for all: the narrower word counts. */
function namespaceCandidates(sources: Sources): Candidate[] {
  const { flags, env, project, user, context } = sources;
  return [
    () => ({ value: flags.namespace, origin: flag('--namespace') }),
    () => ({ value: env.FSB_NAMESPACE || undefined, origin: variable('FSB_NAMESPACE') }),
    () => inFile('namespace', project),
    () => {
      const chosen = chooseCore(sources).context;
      if (chosen === undefined) return undefined;
      return { value: context(chosen).namespace, origin: { source: 'context', name: chosen } };
    },
    () => inFile('namespace', user),
  ];
}

const inFile = (key: ConfigKey, file: ConfigFile | undefined): Setting | undefined =>
  file && { value: file.values[key], origin: fileOrigin(file) };
