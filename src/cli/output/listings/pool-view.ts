import { familiarName } from '../../../core/model/image/reference.ts';
import type {
  PoolDetails,
  PoolInfo,
  PoolInstance,
  PoolPolicy,
  PoolState,
} from '../../../core/model/pool/pool.ts';
import type { PoolPolicyInput } from '../../../core/model/pool/pool-policy.ts';
import { formatAge, formatDuration, formatSize } from '../../../core/model/quantity.ts';
import type { Resources } from '../../../core/model/sandbox/shape.ts';
import {
  type InstanceView,
  type PoolDetailsView,
  type PoolView,
  poolDetailsView,
  poolView,
} from '../../../core/view/pool-view.ts';
import {
  type Column,
  type Listing,
  printable,
  type RenderOptions,
  renderTable,
  type Tone,
} from '../output.ts';
import { isInUse, shapeColumns } from './pool-status-view.ts';

const STATE_TONES: Record<PoolState, Tone> = { active: 'good', stopped: 'busy', drained: 'bad' };
const INSTANCE_TONES: Record<PoolInstance['state'], Tone> = {
  idle: 'good',
  paused: 'good',
  claimed: 'plain',
  stopping: 'busy',
};

export function poolListing(pools: PoolInfo[], now: number): Listing<PoolView> {
  const count = (title: string, value: (pool: PoolView) => number, spare?: number) => ({
    title,
    value: (pool: PoolView) => String(value(pool)),
    ...(spare !== undefined && { spare }),
  });
  const columns: Column<PoolView>[] = [
    { title: 'NAME', whole: true, value: (p) => p.name },
    { title: 'STATE', value: (p) => p.state, tone: (p) => STATE_TONES[p.state] },
    { title: 'WARM', value: (p) => warmText(p.policy) },
    count('IDLE', (p) => p.idle),
    count('CLAIMED', (p) => p.claimed, -4),
    count('BOOTING', (p) => p.booting, -3),
    count('WAITING', (p) => p.waiting, -2),
    count('MAX', (p) => p.policy.capacity?.max ?? 0, -1),
    { title: 'MEMORY', spare: 1, value: (p) => formatSize(p.memory_bytes) },
    { title: 'AGE', spare: 0, value: (p) => formatAge(now - Date.parse(p.created_at)) },
    { title: 'BUDGET', wide: true, value: (p) => formatSize(Number(p.policy.memory_budget)) },
    { title: 'ON-EMPTY', wide: true, value: (p) => p.policy.on_empty ?? '' },
    { title: 'REUSE', wide: true, value: (p) => p.policy.reuse ?? '' },
    { title: 'TTL', wide: true, value: (p) => String(p.policy.ttl) },
    { title: 'RUNTIME', wide: true, value: (p) => p.policy.runtime ?? '' },
  ];
  return { items: pools.map(poolView), columns, name: (p) => p.name };
}

/** What `pool start`, `create`, `update` and the like answer. */
export const onePool = (pool: PoolInfo, now: number): Listing<PoolView> => ({
  ...poolListing([pool], now),
  single: true,
});

const warmText = ({ warm = [] }: Pick<PoolPolicyInput, 'warm'>): string =>
  warm.map(({ image, count }) => `${image}=${count}`).join(',');

/** @param single for programs it is one, and no list */
export function poolDetails(pools: PoolDetails[], now: number, single = false): Listing<PoolDetailsView> {
  const found = new Map(pools.map((pool) => [poolDetailsView(pool), pool]));
  return {
    items: [...found.keys()],
    single,
    columns: [],
    name: (p) => p.name,
    describe: async (_, options) => {
      const texts = [...found].map(([view, { policy }]) => describePool(view, policy, options, now));
      return (await Promise.all(texts)).join('\n');
    },
  };
}

async function describePool(
  view: PoolDetailsView,
  policy: PoolPolicy,
  options: RenderOptions,
  now: number,
): Promise<string> {
  const rows = [...stateRows(view, policy, now), ...policyRows(policy)]
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${`${key}:`.padEnd(12)}${printable(value)}\n`);
  const { shapes, instances } = view;
  const shown = options.format === 'wide' ? shapes : shapes.filter(isInUse);
  return [
    ...rows,
    ...(shown.length === 0 ? [] : ['\n', await renderTable(shown, shapeColumns(shown), options)]),
    ...(instances.length === 0 ? [] : ['\n', await renderTable(instances, instanceColumns, options)]),
  ].join('');
}

function stateRows(view: PoolDetailsView, policy: PoolPolicy, now: number): [string, string][] {
  const counts = (['idle', 'claimed', 'booting', 'stopping'] as const).map((key) => `${view[key]} ${key}`);
  return [
    ['Name', view.name],
    ['State', view.state],
    ['Created', `${view.created_at} (${formatAge(now - Date.parse(view.created_at))} ago)`],
    ['Instances', `${counts.join(', ')}; at least ${view.min}, at most ${policy.capacity.max}`],
    ['Waiting', String(view.waiting)],
    ['Memory', `${formatSize(view.memory_bytes)} of ${formatSize(policy.memoryBudget)}`],
  ];
}

function policyRows(policy: PoolPolicy): [string, string][] {
  const { capacity, queue, resources, autoscale, health } = policy;
  const { up, down, window } = autoscale;
  return [
    ['Warm', warmText(policy) || 'nothing'],
    ['Buffer', `${capacity.bufferMin} to ${capacity.bufferMax} idle instances of an image in recent use`],
    ['TTL', orNever(policy.ttl)],
    ['Max age', orNever(policy.maxAge)],
    ['On empty', policy.onEmpty],
    ['Queue', `${queue.length} at most, each for ${formatDuration(queue.timeout)}`],
    ['Reuse', policy.reuse],
    ['Pause idle', policy.pauseIdle ? 'yes' : 'no'],
    ['Lease TTL', orNever(policy.leaseTtl)],
    [
      'Health',
      `${health.interval === 0 ? 'within a claim only' : `every ${formatDuration(health.interval)}`}, answer within ${formatDuration(health.timeout)}`,
    ],
    ['Warm-up', policy.warmup.join(' ')],
    [
      'Autoscale',
      autoscale.enabled ? `up above ${up} misses, down below ${down}, over ${formatDuration(window)}` : '',
    ],
    ['Boots', `${policy.bootConcurrency} at once, each within ${formatDuration(policy.bootTimeout)}`],
    ['Runtime', policy.runtime],
    [
      'Resources',
      `${resources.cpus} cpu${resources.cpus === 1 ? '' : 's'}, ${formatSize(resources.memory)} memory, ${resources.pids} processes${diskText(resources)}`,
    ],
  ];
}

const diskText = ({ disk }: Resources): string => (disk === undefined ? '' : `, ${formatSize(disk)} disk`);

const orNever = (ms: number): string => (ms === 0 ? 'never' : formatDuration(ms));

const instanceColumns: Column<InstanceView>[] = [
  { title: 'INSTANCE', whole: true, value: (i) => i.id },
  { title: 'STATE', value: (i) => i.state, tone: (i) => INSTANCE_TONES[i.state] },
  { title: 'PID', value: (i) => String(i.pid) },
  { title: 'AGE', value: (i) => formatAge(i.age_ms) },
  { title: 'IMAGE', value: (i) => familiarName(i.image) },
  { title: 'HOLDER', folds: true, value: (i) => i.holder ?? '' },
  { title: 'SHAPE', wide: true, value: (i) => i.shape },
];
