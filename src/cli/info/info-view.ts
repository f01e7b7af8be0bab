import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { formatAge, formatSize } from '../../core/model/quantity.ts';
import { type CoreView, coreView } from '../../core/view/core-view.ts';
import { type HealthView, healthView } from '../../core/view/health-view.ts';
import { originText } from '../config/config-view.ts';
import { parseEndpoint } from '../config/endpoint.ts';
import type { CoreChoice } from '../config/sources.ts';
import { askHealth, healthRows } from '../output/listings/health-view.ts';
import type { DockerRow, Listing } from '../output/output.ts';
import { describeRows, type Rows } from '../output/rows.ts';

/** `info`, as `-o json` shows it. */
export interface InfoView {
  client: {
    version: string;
    node_version: string;
    /** Null: an endpoint was given instead. */
    context: string | null;
    endpoint: string;
    /** Who chose it: `default`, `environment:FSB_HOST`. */
    origin: string;
  };
  /** Null: it cannot be reached. */
  core: CoreInfoView | null;
}

interface CoreInfoView extends CoreView {
  sandboxes: { total: number; phases: Record<string, number> };
  pools: { total: number; idle: number; claimed: number; booting: number };
  images: { total: number };
  /** Null: a core that is too old to say. */
  health: HealthView | null;
}

export interface ClientFacts {
  version: string;
  nodeVersion: string;
  choice: CoreChoice;
  /** Endpoint of the local core. */
  local: string;
}

export function clientView({ version, nodeVersion, choice, local }: ClientFacts): InfoView['client'] {
  return {
    version,
    node_version: nodeVersion,
    context: choice.context ?? null,
    endpoint: choice.endpoint ?? local,
    origin: originText(choice.origin),
  };
}

/** Asks for all of it at the same time. @throws what the core does */
export async function askCore(core: CoreApi, call: CallOptions): Promise<CoreInfoView> {
  const [info, sandboxes, pools, images, health] = await Promise.all([
    core.system.info(call),
    core.sandboxes.list({}, call),
    core.pools.list(call),
    core.images.list(call),
    askHealth(core, call),
  ]);
  const phases: Record<string, number> = {};
  for (const { state } of sandboxes) phases[state.phase] = (phases[state.phase] ?? 0) + 1;
  const sum = (key: 'idle' | 'claimed' | 'booting'): number =>
    pools.reduce((total, pool) => total + pool[key], 0);
  return {
    ...coreView(info),
    sandboxes: { total: sandboxes.length, phases },
    pools: { total: pools.length, idle: sum('idle'), claimed: sum('claimed'), booting: sum('booting') },
    images: { total: images.length },
    health: health === undefined ? null : healthView(health),
  };
}

export function infoListing(view: InfoView, now: number): Listing<InfoView> {
  return {
    items: [view],
    single: true,
    columns: [],
    name: ({ client }) => client.endpoint,
    docker: (info) => [dockerInfo(info)],
    describe: (_, { width }) =>
      describeRows(
        [
          ...clientRows(view.client),
          ...(view.core === null ? [] : coreRows(view.core, view.client.endpoint, now)),
        ],
        width,
      ),
  };
}

const clientRows = (client: InfoView['client']): Rows => [
  ['Client version', `${client.version} (node ${client.node_version})`],
  ['Context', client.context],
  ['Endpoint', client.endpoint],
  ['Chosen by', client.origin],
];

/** @param endpoint it is reached at */
function coreRows(core: CoreInfoView, endpoint: string, now: number): Rows {
  const { sandboxes, pools, images } = core;
  const phases = Object.entries(sandboxes.phases)
    .sort()
    .map(([phase, count]) => `${count} ${phase}`);
  // As that machine sees them: 127.0.0.1 is another one here.
  const far = !['unix', 'embedded'].includes(parseEndpoint(endpoint).kind);
  const address = (url: string | null): string | null =>
    url && `${url}${far ? ` (address on ${core.node})` : ''}`;
  return [
    ['Core version', `${core.version} (pid ${core.pid})`],
    ['Started', `${core.started_at} (${formatAge(now - Date.parse(core.started_at))} ago)`],
    ['Node', core.node],
    ['System', core.system],
    ['Kernel', core.kernel],
    ['Architecture', core.architecture],
    ['CPUs', core.cpus === null ? null : String(core.cpus)],
    ['Memory', core.memory_bytes === null ? null : formatSize(core.memory_bytes)],
    ['Runtime', core.runtime],
    ['Cgroups', core.cgroups],
    ['Root', core.root],
    ['HTTP', address(core.http)],
    ['Metrics', address(core.metrics)],
    ['Sandboxes', [String(sandboxes.total), ...phases].join(', ')],
    ['Pools', `${pools.total}, ${pools.idle} idle, ${pools.claimed} claimed, ${pools.booting} booting`],
    ['Images', String(images.total)],
    ...(core.health === null
      ? [['Log size', `${formatSize(core.log_bytes)} on the disk`] as [string, string]]
      : healthRows(core.health, now)),
  ];
}

/** As `docker info`, of what we have, too; the names are there without a core as well. */
const dockerInfo = ({ core }: InfoView): DockerRow => ({
  ServerVersion: core?.version,
  Name: core?.node,
  OperatingSystem: core?.system,
  OSType: 'linux',
  KernelVersion: core?.kernel,
  Architecture: core?.architecture,
  NCPU: core?.cpus,
  MemTotal: core?.memory_bytes,
  DefaultRuntime: core?.runtime,
  DockerRootDir: core?.root,
  Containers: core?.sandboxes.total,
  ContainersRunning: core && (core.sandboxes.phases.Running ?? 0),
  ContainersStopped: core && core.sandboxes.total - (core.sandboxes.phases.Running ?? 0),
  Images: core?.images.total,
});
