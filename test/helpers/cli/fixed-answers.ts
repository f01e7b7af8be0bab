import type { Happening } from '../../../src/core/model/event.ts';
import { emptyImageConfig, type ImageDetails, type ImageInfo } from '../../../src/core/model/image/image.ts';
import type { LogEntry } from '../../../src/core/model/logs.ts';
import type { Lease, PoolDetails, PoolEvent } from '../../../src/core/model/pool/pool.ts';
import type { Sandbox, SandboxUsage } from '../../../src/core/model/sandbox/sandbox.ts';
import { defaultResources } from '../../../src/core/model/sandbox/shape.ts';
import { parseSpec } from '../../../src/core/model/sandbox/spec.ts';
import type { SystemHealth, SystemUsage } from '../../../src/core/model/system.ts';
import { imageInfo, importedImage } from '../image/image-info.ts';
import { poolWith, shapeRow } from './warming-core.ts';

/** What the fixed core tells. */

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
      ...{ generation: 2, createdAt: minutesAgo(300), warm: false, earlierIds: ['e'.repeat(32)] },
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

/** No list has it. */
export const lost = sandbox(
  'gone',
  {
    state: {
      ...{ phase: 'Lost', since: NOW - 18_000, reason: 'the guest connection was lost' },
      recreateAt: NOW + 42_000,
    },
    createdAt: minutesAgo(60),
  },
  { failure_policy: 'AutoRecreate' },
);

export const digest = `sha256:${'ab'.repeat(32)}`;
export const images: ImageInfo[] = [
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
/** One came under one of its names, and one under none. */
export const imported = images.map((image) => importedImage(image, image.references.slice(-1)));
export const details: ImageDetails = {
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
export const removed = {
  image: images[1]!,
  untagged: images[1]!.references,
  deleted: true,
  freed: 1_000_000,
};

export const shapes = [
  shapeRow({
    ...{ shape: '0123456789abcdef', image: 'host', warm: 4, idle: 4, claimed: 1, stopping: 1 },
    ...{ hits: 3, misses: 1, p50: 0.6, p99: 12.25 },
  }),
  shapeRow({
    shape: 'fedcba9876543210',
    image: 'docker.io/library/alpine:3',
    bootedWith: {
      ...{ runtime: 'runc', network: 'host', mounts: ['/src'], keptFiles: false },
      resources: { cpus: 0.5, memory: 2 * 1024 ** 3, pids: 64, disk: 5 * 1024 ** 3 },
    },
    warm: 2,
    booting: 1,
    waiting: 2,
  }),
];
const instance = { shape: '0123456789abcdef', image: 'host' };
export const pool: PoolDetails = {
  ...poolWith(shapes, { max_age: '1h', autoscale: { enabled: true } }),
  ...{ createdAt: minutesAgo(90), min: 1 },
  instances: [
    { ...instance, id: 'i0000000000000001', state: 'claimed', pid: 4711, age: 90_000, holder: 'lease l0123' },
    { ...instance, id: 'i0000000000000002', state: 'paused', pid: 4712, age: 5000 },
    { ...instance, id: 'i0000000000000003', state: 'stopping', pid: 4713, age: 10 },
  ],
};
export const drained: PoolDetails = {
  ...poolWith([], { name: 'ci', lease_ttl: 0 }),
  ...{ name: 'ci', state: 'drained', createdAt: minutesAgo(1) },
};
export const lease: Lease = {
  ...{ id: 'l0123456789abcdef', pool: 'default-pool', image: 'host', instance: 'i0000000000000001' },
  ...{ warm: true, createdAt: minutesAgo(5), ttl: 3_600_000, running: 1 },
};
export const endless: Lease = {
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
export const events: Happening[] = [
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
/** Of its tools, by name. */
export const toolAnswers: Record<string, string> = {
  processes,
  stat: 'directory 755 4096 0.000000000 0 0\n',
  'tar-in': '',
  'tar-out': 'a tar of the directory\n',
};
/** What those that run use, at one look after another, a second apart. */
export const stats = (look: number): SandboxUsage[] =>
  sandboxes
    .filter(({ state }) => state.phase === 'Running')
    .map(({ name, namespace, id }, at) => ({
      ...{ name, namespace, id, time: NOW + look * 1000, limits: defaultResources },
      ...{ cpuMicros: look * 250_000 * (at + 1), memory: 12_600_000, pids: 3 },
    }));
export const log: LogEntry[] = [
  { time: NOW, stream: 'stdout', seq: 1, data: Buffer.from('hello\n') },
  { time: NOW + 1, stream: 'stderr', seq: 2, data: Buffer.from([0xff, 10]), dropped: 3 },
];

const idOf = (name: string): string => name.padEnd(32, '0');
const setAside = [
  { path: '/var/lib/fsb/records.aside-2026-02-28T00-00-00-000Z', size: 65_536 },
  { path: '/var/lib/fsb/records/sandboxes', size: 300 },
];
const instanceUsage = { pool: 'default-pool', files: 24_576, memory: 1_500_000 };
export const usage: SystemUsage = {
  images: { size: 14_000_000, reclaimable: 5_000_000, leftovers: 2_000_000 },
  instances: [
    {
      ...instanceUsage,
      id: 'i0000000000000001',
      holder: 'sandbox',
      sandboxId: idOf('box'),
      files: 3_000_000,
    },
    { ...instanceUsage, id: 'i0000000000000002', holder: 'files', sandboxId: idOf('job'), memory: 0 },
    { ...instanceUsage, id: 'i0000000000000003', holder: 'idle' },
    { ...instanceUsage, id: 'i0000000000000004', holder: 'lease' },
    { id: 'i0000000000000005', pool: '', holder: 'nobody', files: 0, memory: 0 },
  ],
  logs: [
    { sandboxId: idOf('box'), size: 12_000 },
    { sandboxId: idOf('old'), size: 800 },
    { sandboxId: idOf('gone'), size: 300, deleted: { namespace: 'default', name: 'gone', at: NOW - 60_000 } },
  ],
  records: { count: 9, size: 65_536 },
  setAside,
  trash: 4096,
};
export const health: SystemHealth = {
  records: {
    ...{ count: 9, size: 65_536 },
    failure: { at: minutesAgo(2), message: 'cannot store the record slots/x: no room', over: true },
  },
  ...{
    setAside,
    logs: 12_800,
    damagedLogs: [idOf('old')],
    disk: { free: 10 * 1024 ** 3, total: 40 * 1024 ** 3 },
  },
  recovery: { running: 2, leases: 1, idle: 0, files: 1, destroyed: 1, lost: 1, failed: 0 },
  unsettled: [{ instance: 'i0000000000000006', sandboxId: idOf('box'), reason: 'it does not answer' }],
  stuck: ['i0000000000000005'],
};
