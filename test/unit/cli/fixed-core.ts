import type { CoreApi, SystemApi } from '../../../src/core/api/core-api.ts';
import type { ImageApi } from '../../../src/core/api/image-api.ts';
import type { PoolApi } from '../../../src/core/api/pool-api.ts';
import type { SandboxApi } from '../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../src/core/model/errors.ts';
import { emptyImageConfig, type ImageDetails, type ImageInfo } from '../../../src/core/model/image.ts';
import type { LogEntry } from '../../../src/core/model/logs.ts';
import type { Lease, PoolDetails, PoolEvent } from '../../../src/core/model/pool.ts';
import type { Sandbox, SandboxRef } from '../../../src/core/model/sandbox.ts';
import { parseSpec } from '../../../src/core/model/spec.ts';
import { imageInfo } from '../../helpers/image/image-info.ts';
import { poolWith, shapeRow } from './warming-core.ts';

/** When everything that the fixed core tells is looked at. */
export const NOW = Date.parse('2026-03-01T12:00:00Z');
const minutesAgo = (count: number): number => NOW - count * 60_000;

const sandbox = (name: string, over: Partial<Sandbox>, spec: object = {}): Sandbox => ({
  ...{ id: name.padEnd(32, '0'), namespace: 'default', name, generation: 1, node: 'node-1', endpoints: [] },
  spec: parseSpec({
    ...{ image: 'host', args: ['sh', '-c', 'echo "a b"'], resources: { cpus: 1, memory: '512m', pids: 256 } },
    ...spec,
  }),
  state: { phase: 'Running', startedAt: minutesAgo(5) },
  ...{ createdAt: minutesAgo(5), expiresAt: 0, warm: true },
  events: [{ time: minutesAgo(5), message: 'started' }],
  ...over,
});

export const sandboxes: Sandbox[] = [
  sandbox(
    'box',
    { endpoints: ['10.0.0.1:8080'], expiresAt: NOW + 60_000 },
    { labels: { team: 'red', tier: 'web' }, exposed_ports: [8080] },
  ),
  sandbox(
    'job',
    {
      state: {
        ...{ phase: 'Failed', endedAt: minutesAgo(1), reason: 'out of memory\u001b[2J' },
        status: { code: null, signal: 9, oomKilled: true },
      },
      ...{ generation: 2, createdAt: minutesAgo(300), warm: false },
    },
    { image: 'registry.example.com/team/tool:1.2.3-with-a-long-tag', labels: { team: 'blue' } },
  ),
  sandbox(
    'old',
    {
      state: {
        ...{ phase: 'Exited', startedAt: minutesAgo(4), endedAt: minutesAgo(3) },
        status: { code: 7, signal: null },
      },
      createdAt: minutesAgo(4),
    },
    { image: 'docker.io/library/alpine:3.20' },
  ),
  sandbox('cold', {
    state: { phase: 'Running', startedAt: minutesAgo(30), paused: true },
    createdAt: minutesAgo(30),
  }),
  sandbox('new', { state: { phase: 'Pending' }, node: '', warm: undefined, createdAt: NOW }),
];

const digest = `sha256:${'ab'.repeat(32)}`;
const images: ImageInfo[] = [
  imageInfo({ references: ['host'], digest, importedAt: minutesAgo(10) }),
  imageInfo({
    references: ['quay.io/me/tool:1', 'docker.io/library/tool:latest'],
    digest: digest.replaceAll('ab', 'cd'),
    ...{ repoDigests: [`quay.io/me/tool@${digest}`], size: 9_000_000, uniqueSize: 1_000_000 },
    ...{ architecture: 'arm', variant: 'v7', createdAt: minutesAgo(100_000), importedAt: minutesAgo(10) },
    usedBy: ['default/box', 'lease l1'],
  }),
];
const details: ImageDetails = {
  ...images[1]!,
  ...{ configDigest: digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', author: 'me' },
  config: { ...emptyImageConfig, entrypoint: ['/bin/tool'], env: ['A=1'], stopSignal: 'SIGQUIT' },
  layers: [{ digest, diffId: digest, mediaType: 'tar+gzip', size: 5000, unpackedSize: 9000 }],
  history: [{ createdAt: 0, createdBy: 'COPY tool /bin', comment: '', empty: false }],
};
const removed = { image: images[1]!, untagged: images[1]!.references, deleted: true, freed: 1_000_000 };

const shapes = [
  shapeRow({
    ...{ shape: '0123456789abcdef', image: 'host', warm: 4, idle: 4, claimed: 1, stopping: 1 },
    ...{ hits: 3, misses: 1, p50: 0.6, p99: 12.25 },
  }),
  shapeRow({
    shape: 'fedcba9876543210',
    image: 'docker.io/library/alpine:3',
    warm: 2,
    booting: 1,
    waiting: 2,
  }),
];
const instance = { shape: '0123456789abcdef', image: 'host' };
const pool: PoolDetails = {
  ...poolWith(shapes, { max_age: '1h', autoscale: { enabled: true } }),
  ...{ createdAt: minutesAgo(90), min: 1 },
  instances: [
    { ...instance, id: 'i0000000000000001', state: 'claimed', pid: 4711, age: 90_000, holder: 'lease l0123' },
    { ...instance, id: 'i0000000000000002', state: 'paused', pid: 4712, age: 5000 },
  ],
};
const lease: Lease = {
  ...{ id: 'l0123456789abcdef', pool: 'default-pool', image: 'host', instance: 'i0000000000000001' },
  ...{ warm: true, createdAt: minutesAgo(5), ttl: 3_600_000, running: 1 },
};
const claimed = { instance: 'i0123456789abcdef', shape: '0123456789abcdef' };
const events: PoolEvent[] = [
  { type: 'claimed', ...claimed },
  { type: 'evicted', ...claimed, cause: 'ttl' },
  { type: 'refill', shape: '0123456789abcdef', count: 3 },
  { type: 'scaled', min: 2 },
];
const log: LogEntry[] = [
  { time: NOW, stream: 'stdout', seq: 1, data: Buffer.from('hello\n') },
  { time: NOW + 1, stream: 'stderr', seq: 2, data: Buffer.from([0xff, 10]), dropped: 3 },
];

function byName<T extends { name: string }>(what: string, all: readonly T[], name: string): T {
  const found = all.find((each) => each.name === name);
  if (found) return found;
  throw new FsbError('not_found', `there is no ${what} ${name}`, { hint: `See fsb-ctl ${what} list.` });
}

/** A core whose every answer is the same each time, for golden files: nothing that is done to it changes anything. */
export function fixedCore(): CoreApi {
  const named = async ({ name }: SandboxRef): Promise<Sandbox> => byName('sandbox', sandboxes, name);
  const sandboxApi: Partial<SandboxApi> = {
    create: async () => sandboxes[0]!,
    get: async ({ name }) => byName('sandbox', sandboxes, name),
    list: async ({ labels = {} }) =>
      sandboxes.filter(({ spec }) =>
        Object.entries(labels).every(([key, value]) => spec.labels[key] === value),
      ),
    delete: async ({ name }) => void byName('sandbox', sandboxes, name),
    logs: () => each(log),
    wait: async ({ name }) => {
      byName('sandbox', sandboxes, name);
      return { code: 7, signal: null };
    },
    rename: async (_, name) => ({ ...sandboxes[0]!, name }),
    ...{ stop: named, start: named, restart: named, reset: named, pause: named, unpause: named },
    ...{ update: named, signal: async (ref) => void (await named(ref)) },
  };
  const poolApi: Partial<PoolApi> = {
    status: async () => shapes,
    list: async () => [pool],
    get: async (name) => byName('pool', [pool], name),
    create: async () => pool,
    update: async () => pool,
    delete: async (name) => void byName('pool', [pool], name),
    stop: async () => pool,
    drain: async () => pool,
    leases: async () => [lease],
    lease: async () => lease,
    release: async () => {},
  };
  const imageApi: Partial<ImageApi> = {
    list: async () => images,
    inspect: async () => details,
    import: async () => images,
    remove: async () => removed,
    prune: async () => ({ removed: [removed], freed: 12_600_000 }),
    pull: () =>
      each([{ kind: 'done', reference: 'quay.io/me/tool:1', digest, upToDate: true, image: images[1]! }]),
  };
  const system: SystemApi = {
    info: async () => ({
      ...{ version: '0.1.0', node: 'node-1', pid: 7, root: '/var/lib/fsb', runtime: 'runc 1.1.5' },
      ...{ http: '', metrics: '', cgroups: 'v2', startedAt: NOW, logBytes: 50_331_648 },
    }),
    events: () =>
      each(events.map((event, at) => ({ seq: at + 1, time: NOW + at, pool: 'default-pool', event }))),
  };
  const core = { sandboxes: sandboxApi, pools: poolApi, images: imageApi, system, close: async () => {} };
  return core as unknown as CoreApi;
}

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}
