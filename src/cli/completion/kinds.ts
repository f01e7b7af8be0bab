import { phases } from '../../core/model/sandbox/phase.ts';
import { COLOR_MODES, CONFIG_KEYS } from '../config/schema.ts';
import { OUTPUT_FORMATS } from '../output/listing.ts';
import { SHELLS } from './shells.ts';

/** What a word names: a thing of the core, of this machine, one of a few words, or nothing that could be known. */
export type Kind =
  | 'sandbox'
  | 'pool'
  | 'image'
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
  | readonly string[];

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
  phase: phases,
  output: [...OUTPUT_FORMATS, 'jsonpath=', 'template='],
  format: [...OUTPUT_FORMATS, 'jsonpath=', 'template='],
  'image:save output': 'file',
  'failure-policy': ['Manual', 'AutoRecreate'],
  'list filter': [
    'name=',
    'id=',
    'label=',
    'phase=',
    'status=',
    'ancestor=',
    'exited=',
    'pool=',
    'node=',
    'before=',
    'since=',
  ],
  'list sort-by': ['name', 'age', 'phase', 'image'],
  'image:list filter': ['dangling=', 'reference=', 'label=', 'before=', 'since='],
  'image:prune filter': ['until=', 'label='],
  'system:prune filter': ['until=', 'label='],
  'events filter': ['type=', 'event=', 'sandbox=', 'image=', 'pool=', 'label='],
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
