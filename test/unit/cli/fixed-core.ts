import type { CoreApi, SystemApi } from '../../../src/core/api/core-api.ts';
import type { ImageApi } from '../../../src/core/api/image-api.ts';
import type { PoolApi } from '../../../src/core/api/pool-api.ts';
import type { SandboxApi } from '../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../src/core/model/errors.ts';
import type { Happening } from '../../../src/core/model/event.ts';
import { emptyImageConfig, type ImageDetails, type ImageInfo } from '../../../src/core/model/image.ts';
import type { LogEntry } from '../../../src/core/model/logs.ts';
import type { Lease, PoolDetails, PoolEvent } from '../../../src/core/model/pool.ts';
import type { Sandbox, SandboxRef } from '../../../src/core/model/sandbox.ts';
import { parseSpec } from '../../../src/core/model/spec.ts';
import { imageInfo } from '../../helpers/image/image-info.ts';
import { exitedSession } from './exited-session.ts';
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
  imageInfo({
    references: [],
    digest: digest.replaceAll('ab', 'ef'),
    size: 5_000_000,
    importedAt: minutesAgo(9000),
  }),
];
const details: ImageDetails = {
  ...images[1]!,
  ...{ configDigest: digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', author: 'me' },
  config: {
    ...emptyImageConfig,
    ...{ entrypoint: ['/bin/tool'], cmd: ['--help', 'a b'], env: ['A=1', 'B=\u001b[2J'], user: '1000:1000' },
    ...{ workingDir: '/srv', stopSignal: 'SIGQUIT', exposedPorts: [80, 443], labels: { team: 'red' } },
  },
  layers: [{ digest, diffId: digest, mediaType: 'tar+gzip', size: 5000, unpackedSize: 9000 }],
  history: [
    { createdAt: minutesAgo(200_000), createdBy: 'COPY tool /bin', comment: '', empty: false },
    { createdAt: 0, createdBy: '', comment: 'by hand', empty: true },
  ],
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
    { ...instance, id: 'i0000000000000003', state: 'stopping', pid: 4713, age: 10 },
  ],
};
const drained: PoolDetails = {
  ...poolWith([], { name: 'ci', lease_ttl: 0 }),
  ...{ name: 'ci', state: 'drained', createdAt: minutesAgo(1) },
};
const lease: Lease = {
  ...{ id: 'l0123456789abcdef', pool: 'default-pool', image: 'host', instance: 'i0000000000000001' },
  ...{ warm: true, createdAt: minutesAgo(5), ttl: 3_600_000, running: 1 },
};
const endless: Lease = {
  ...{
    id: 'lfedcba9876543210',
    pool: 'ci',
    image: 'docker.io/library/alpine:3',
    instance: 'i0000000000000009',
  },
  ...{ warm: false, createdAt: minutesAgo(1), ttl: 0, running: 0 },
};
const claimed = { instance: 'i0123456789abcdef', shape: '0123456789abcdef' };
const box = {
  ...{ id: 'box'.padEnd(32, '0'), namespace: 'default', name: 'box' },
  ...{ image: 'docker.io/library/alpine:latest', labels: { team: 'red' } },
};
const alpine = { digest, names: ['docker.io/library/alpine:latest'] };
const events: Happening[] = [
  ...(
    [
      { type: 'claimed', ...claimed },
      { type: 'evicted', ...claimed, cause: 'ttl' },
      { type: 'boot-failed', ...claimed, cause: 'no\nspace\u001b[2J' },
      { type: 'refill', shape: '0123456789abcdef', count: 3 },
      { type: 'scaled', min: 2 },
      { type: 'drained' },
    ] satisfies PoolEvent[]
  ).map((event) => ({ pool: 'default-pool', event })),
  { sandbox: box, event: { type: 'started' } },
  { sandbox: { ...box, name: 'boat' }, event: { type: 'renamed', from: 'box' } },
  { sandbox: box, event: { type: 'failed', reason: 'no space' } },
  { sandbox: { ...box, namespace: 'team' }, event: { type: 'deleted' } },
  { sandbox: box, event: { type: 'exited', code: 137, signal: 'SIGKILL' } },
  { image: alpine, event: { type: 'pulled' } },
  { image: { digest: '', names: [] }, event: { type: 'pruned', freed: 42_000_000 } },
];
/** As fsb-init says it. */
const processes = [
  '100 864900.50',
  '0 7 1 250 90050 34816 root sh -c while true',
  '1000 5 1 12345 50 0 - worker \u001b[2J --flag',
  '',
].join('\n');
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
    exec: async (_, { guestTool }) => exitedSession(guestTool ? processes : 'hello\n', guestTool ? 0 : 7),
    attach: async () => exitedSession('hello\n', 7),
    rename: async (_, name) => ({ ...sandboxes[0]!, name }),
    ...{ stop: named, start: named, restart: named, reset: named, pause: named, unpause: named },
    ...{ update: named, signal: async (ref) => void (await named(ref)) },
  };
  const poolApi: Partial<PoolApi> = {
    status: async () => shapes,
    list: async () => [drained, pool],
    get: async (name) => byName('pool', [pool], name),
    create: async () => pool,
    update: async () => pool,
    delete: async (name) => void byName('pool', [pool], name),
    stop: async () => pool,
    drain: async () => pool,
    leases: async () => [lease, endless],
    lease: async () => lease,
    release: async () => {},
    exec: async () => exitedSession('hello\n', 7),
    run: async () => exitedSession('hello\n', 7),
  };
  const imageApi: Partial<ImageApi> = {
    list: async () => images,
    inspect: async () => details,
    import: async () => images,
    login: async () => ({}),
    tag: async () => {},
    remove: async () => removed,
    prune: async () => ({ removed: [removed], freed: 12_600_000 }),
    pull: () =>
      each([{ kind: 'done', reference: 'quay.io/me/tool:1', digest, upToDate: true, image: images[1]! }]),
  };
  const system: SystemApi = {
    info: async () => ({
      ...{ version: '0.1.0', node: 'node-1', pid: 7, root: '/var/lib/fsb', runtime: 'runc 1.1.5' },
      ...{ http: '', metrics: '', cgroups: 'v2', startedAt: NOW, cpus: 2, memory: 8 * 1024 ** 3 },
      ...{ kernel: '6.1.0', system: 'Debian GNU/Linux 12 (bookworm)', architecture: 'amd64' },
    }),
    events: () => each(events.map((event, at) => ({ seq: at + 1, time: NOW + at, ...event }))),
  };
  const core = { sandboxes: sandboxApi, pools: poolApi, images: imageApi, system, close: async () => {} };
  return core as unknown as CoreApi;
}

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}
