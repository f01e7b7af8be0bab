import { EVENT_KINDS } from '../../core/model/event.ts';
import { phases } from '../../core/model/sandbox/phase.ts';
import { COLOR_MODES, CONFIG_KEYS } from '../config/schema.ts';
import { EVENT_TYPES } from '../events/event-filter.ts';
import { OUTPUT_FORMATS } from '../output/listing.ts';
import { SHELLS } from './shells.ts';

/** What a word names: a thing of the core, of this machine, one of a few words, or nothing that could be known. */
export type Kind =
  | 'sandbox'
  | 'pool'
  | 'image'
  | 'sandbox-or-image'
  | 'lease'
  | 'context'
  | 'namespace'
  | 'command'
  | 'file'
  | 'directory'
  | 'variable'
  /** `NAME:PATH` of a sandbox, or a file here. */
  | 'sandbox-path'
  | 'nothing'
  | readonly string[]
  | Keyed;

/** `KEY=VALUE`, and what the value of each key names. */
interface Keyed {
  readonly keys: Readonly<Record<string, Kind>>;
}

export const isKeyed = (kind: Kind): kind is Keyed =>
  typeof kind === 'object' && 'keys' in kind && !Array.isArray(kind);

const STATES = [...phases, 'Paused'];
/** As docker writes them, and what it calls otherwise. */
const STATUSES = [...STATES.map((state) => state.toLowerCase()), 'created', 'removing', 'dead'];
const BUILT: Readonly<Record<string, Kind>> = { before: 'image', since: 'image', reference: 'image' };
const PRUNED: Keyed = { keys: { until: 'nothing', label: 'nothing' } };

const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7'];

/** By the name of the argument, where the command does not matter; then by the command. */
const argumentKinds: Record<string, Kind> = {
  reference: 'image',
  source: 'image',
  target: 'image',
  lease: 'lease',
  file: 'file',
  shell: SHELLS,
  ports: 'nothing',
  registry: 'nothing',
  'config name': CONFIG_KEYS,
  'config key': CONFIG_KEYS,
  'context name': 'context',
  'context:create name': 'nothing',
  'context:create endpoint': 'nothing',
  'context:update endpoint': 'nothing',
  'pool name': 'pool',
  'pool:create name': 'nothing',
  'image name': 'image',
  'image repository': 'image',
  'cp source': 'sandbox-path',
  'cp destination': 'sandbox-path',
  'run name': 'nothing',
  new: 'nothing',
  name: 'sandbox',
  sandbox: 'sandbox',
  'inspect name': 'sandbox-or-image',
  command: 'nothing',
};

const settingKinds = new Map<string, Kind>([
  ['context', 'context'],
  ['namespace', 'namespace'],
  ['pool', 'pool'],
  ['output', OUTPUT_FORMATS],
  ['color', COLOR_MODES],
]);

/**
 * Undefined: nobody has said it yet.
 * @param before the arguments before this one: what the value of a setting can be depends on which it is
 */
export function kindOfArgument(id: string, name: string, before: string[] = []): Kind | undefined {
  if (id === 'config:set' && name === 'value') return settingKinds.get(before[0] ?? '') ?? 'nothing';
  const topic = id.split(':')[0]!;
  return argumentKinds[`${id} ${name}`] ?? argumentKinds[`${topic} ${name}`] ?? argumentKinds[name];
}

const flagKinds: Record<string, Kind> = {
  context: 'context',
  namespace: 'namespace',
  pool: 'pool',
  image: 'image',
  warm: 'image',
  env: 'variable',
  root: 'directory',
  volume: 'directory',
  platform: PLATFORMS,
  phase: STATES,
  output: [...OUTPUT_FORMATS, 'jsonpath=', 'template='],
  format: [...OUTPUT_FORMATS, 'jsonpath=', 'template='],
  'image:save output': 'file',
  'failure-policy': ['Manual', 'AutoRecreate'],
  'list filter': {
    keys: {
      ...{ name: 'sandbox', id: 'nothing', label: 'nothing', phase: STATES, status: STATUSES },
      ...{ ancestor: 'image', exited: 'nothing', pool: 'pool', node: 'nothing' },
      ...{ before: 'sandbox', since: 'sandbox' },
    },
  },
  'list sort-by': ['name', 'age', 'phase', 'image'],
  'image:list filter': { keys: { dangling: ['true', 'false'], label: 'nothing', ...BUILT } },
  'image:prune filter': PRUNED,
  'system:prune filter': PRUNED,
  'events filter': {
    keys: {
      ...{ type: EVENT_KINDS, event: EVENT_TYPES, sandbox: 'sandbox', image: 'image', pool: 'pool' },
      label: 'nothing',
    },
  },
  signal: ['TERM', 'KILL', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'STOP', 'CONT'],
};

export interface ValuedFlag {
  helpValue?: string | string[];
  options?: readonly string[];
}

export function kindOfFlag(id: string, name: string, { options, helpValue }: ValuedFlag): Kind {
  if (options !== undefined) return options;
  return flagKinds[`${id} ${name}`] ?? flagKinds[name] ?? (helpValue === 'FILE' ? 'file' : 'nothing');
}
