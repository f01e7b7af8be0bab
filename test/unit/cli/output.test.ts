import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../src/cli/config/context.ts';
import { settingsListing } from '../../../src/cli/output/config-view.ts';
import { contextDetails, contextListing } from '../../../src/cli/output/context-view.ts';
import { versionListing } from '../../../src/cli/output/core-view.ts';
import { imageDetails } from '../../../src/cli/output/image-details-view.ts';
import { imageListing, prunedListing, pulledListing } from '../../../src/cli/output/image-view.ts';
import { type InfoView, infoListing } from '../../../src/cli/output/info-view.ts';
import { type Listing, type OutputFormat, printable, render } from '../../../src/cli/output/output.ts';
import {
  createdListing,
  sandboxDetails,
  sandboxListing,
  sandboxView,
} from '../../../src/cli/output/sandbox-view.ts';
import type { ImageDetails } from '../../../src/core/model/image.ts';
import type { Sandbox } from '../../../src/core/model/sandbox.ts';
import { parseSpec } from '../../../src/core/model/spec.ts';
import { imageInfo } from '../../helpers/image/image-info.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const minutes = (count: number): number => now - count * 60_000;

/** Of the pool, known once it is bound. */
const resources = { cpus: 1, memory: '512m', pids: 256 };

const sandbox = (name: string, over: Partial<Sandbox>, spec: object = {}): Sandbox => ({
  id: name.padEnd(32, '0'),
  namespace: 'default',
  name,
  generation: 1,
  spec: parseSpec({ image: 'host', args: ['sh', '-c', 'echo "a b"'], resources, ...spec }),
  state: { phase: 'Running', startedAt: minutes(5) },
  node: 'node-1',
  endpoints: [],
  createdAt: minutes(5),
  expiresAt: 0,
  warm: true,
  events: [{ time: minutes(5), message: 'started' }],
  ...over,
});

const box = sandbox(
  'box',
  { endpoints: ['10.0.0.1:8080'] },
  { labels: { team: 'red' }, exposed_ports: [8080] },
);
const killed = sandbox('job', {
  state: {
    phase: 'Failed',
    endedAt: minutes(1),
    reason: 'out of memory\u001b[2J',
    status: { code: null, signal: 9, oomKilled: true },
  },
  generation: 2,
  createdAt: minutes(300),
  warm: false,
});
const exited = sandbox('old', {
  state: { phase: 'Exited', startedAt: minutes(4), endedAt: minutes(3), status: { code: 7, signal: null } },
  createdAt: minutes(4),
});
const pending = sandbox(
  'new',
  { state: { phase: 'Pending' }, node: '', warm: undefined, createdAt: now },
  { resources: {} },
);
const list = sandboxListing([box, killed, exited, pending], { now, full: false });

const settings = settingsListing((key) =>
  key === 'namespace'
    ? { value: 'shop', origin: { source: 'project', name: '/src/shop/.fsb/config.json' } }
    : { value: undefined, origin: { source: 'default', name: '' } },
);
const knownContexts: Record<string, Context> = {
  default: { endpoint: '', description: 'The core of this machine' },
  build: {
    ...{ endpoint: 'tls://build', description: 'Nightly\u001b[2J', namespace: 'ci' },
    tls: { ca: '/ca.pem' },
  },
};
const contextList = contextListing(
  { names: () => Object.keys(knownContexts), get: (name) => knownContexts[name]! },
  { current: 'build', local: 'unix:///run/fsb/fsb.sock' },
);
const info: InfoView = {
  client: {
    ...{ version: '0.1.0', node_version: '20.0.0', context: 'build' },
    ...{ endpoint: 'ssh://me@build', origin: 'user:/home/me/.fsb/config.json' },
  },
  core: {
    ...{ version: '0.1.0', node: 'n', pid: 7, root: '/var/lib/fsb', runtime: 'runc 1.1.5', cgroups: 'v2' },
    ...{ http: 'http://127.0.0.1:5758', metrics: null, started_at: new Date(minutes(90)).toISOString() },
    log_bytes: 3_145_728,
    sandboxes: { total: 3, phases: { Running: 2, Exited: 1 } },
    pools: { total: 2, idle: 4, claimed: 2, booting: 1 },
    images: { total: 5 },
  },
};

const digest = `sha256:${'ab'.repeat(32)}`;
const images = imageListing(
  [
    imageInfo({ references: ['host'], digest, importedAt: minutes(10) }),
    imageInfo({ references: [], digest, size: 5_000_000, importedAt: minutes(9000) }),
    imageInfo({
      ...{ references: ['docker.io/library/a:1'], digest, size: 5_000_000, uniqueSize: 1_000_000 },
      ...{ variant: 'v7', architecture: 'arm', createdAt: minutes(100_000), usedBy: ['default/box'] },
    }),
  ],
  now,
  {},
);

const tool = imageInfo({
  ...{ references: ['quay.io/me/tool:1', 'docker.io/library/tool:latest'], digest },
  ...{ repoDigests: [`quay.io/me/tool@${digest}`], size: 9_000_000, uniqueSize: 1_000_000 },
  ...{ architecture: 'arm', variant: 'v7', createdAt: minutes(100_000), importedAt: minutes(10) },
  usedBy: ['default/box', 'lease l1'],
});
const pulled = { reference: 'quay.io/me/tool:1', digest, image: tool };
const details: ImageDetails = {
  ...tool,
  ...{ configDigest: digest.replaceAll('ab', 'cd'), mediaType: 'application/vnd.oci.image.manifest.v1+json' },
  author: 'me',
  config: {
    ...{ entrypoint: ['/bin/tool'], cmd: ['--help', 'a b'], env: ['A=1', 'B=\u001b[2J'], user: '1000:1000' },
    ...{ workingDir: '/srv', stopSignal: 'SIGQUIT', exposedPorts: [80, 443], labels: { team: 'red' } },
  },
  layers: [{ digest, diffId: digest, mediaType: 'tar+gzip', size: 5000, unpackedSize: 9000 }],
  history: [
    { createdAt: minutes(100_000), createdBy: 'COPY tool /bin', comment: '', empty: false },
    { createdAt: 0, createdBy: '', comment: 'by hand', empty: true },
  ],
};
const removed = { image: tool, untagged: tool.references, deleted: true, freed: 1_000_000 };

// biome-ignore lint/suspicious/noExplicitAny: listings of every kind
const cases: [string, Listing<any>, OutputFormat][] = [
  ...(['table', 'wide', 'json', 'yaml', 'name'] as const).map(
    (format): [string, typeof list, OutputFormat] => ['list', list, format],
  ),
  ['list-empty', { ...list, items: [] }, 'table'],
  ['list-empty', { ...list, items: [] }, 'json'],
  ['get', sandboxDetails(killed, now), 'table'],
  ['get-running', sandboxDetails({ ...box, logBytes: 123_456 }, now), 'table'],
  ['get', sandboxDetails(killed, now), 'json'],
  ['created', createdListing(box, 12.345), 'table'],
  ['created', createdListing(box, 12.345), 'json'],
  ['image-list', images, 'table'],
  ['image-list', images, 'json'],
  ['image-list', images, 'wide'],
  ['image-pull', pulledListing({ ...pulled, upToDate: true }), 'table'],
  ['image-pull', pulledListing({ ...pulled, upToDate: true }), 'json'],
  ['image-inspect', imageDetails([details], now), 'table'],
  ['image-inspect', imageDetails([details], now), 'json'],
  ['image-inspect', imageDetails([details], now), 'yaml'],
  ['image-prune', prunedListing({ removed: [removed], freed: 12_600_000 }), 'table'],
  ['image-prune', prunedListing({ removed: [removed], freed: 12_600_000 }), 'json'],
  ['config-list', settings, 'table'],
  ['config-list', settings, 'json'],
  ['context-list', contextList, 'table'],
  ['context-list', contextList, 'wide'],
  ['context-list', contextList, 'name'],
  ['context-show', contextDetails(contextList.items[1]!), 'table'],
  ['context-show', contextDetails(contextList.items[1]!), 'yaml'],
  ['info', infoListing(info, now), 'table'],
  ['info', infoListing(info, now), 'json'],
  ['info-unreachable', infoListing({ ...info, core: null }, now), 'table'],
  ['version', versionListing('0.1.0', '20.0.0', undefined), 'table'],
  [
    'version',
    versionListing('0.1.0', '20.0.0', {
      version: '0.1.0',
      node: 'n',
      pid: 7,
      root: '/var/lib/fsb',
      runtime: 'runc 1.1.5',
      http: '',
      metrics: '',
      cgroups: 'v2',
      startedAt: now,
    }),
    'json',
  ],
];

describe('output', () => {
  it.each(cases)('%s as %3$s', async (name, listing, format) => {
    const text = await render(listing, { format, quiet: false, colors: false });
    await expect(text).toMatchFileSnapshot(`../../fixtures/golden/${name}.${format}.txt`);
  });

  it('prints only names or ids with -q', async () => {
    const quiet = { format: 'table', quiet: true, colors: false } as const;
    expect(await render(list, quiet)).toBe('box\njob\nold\nnew\n');
    expect(await render(createdListing(box, 1), quiet)).toBe(`${box.id}\n`);
    expect(await render(sandboxListing([box], { now, full: true }), quiet)).toBe(`${box.id}\n`);
  });

  it('colours phases only when asked', async () => {
    const colored = await render(list, { format: 'table', quiet: false, colors: true });
    expect(colored).toContain('\u001b[32mRunning\u001b[39m');
    const plain = await render(list, { format: 'table', quiet: false, colors: false });
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });

  it('shows a spec that run takes back unchanged', () => {
    const spec = parseSpec({ image: 'host', ttl: '90s', grace_period: '500ms', resources: { memory: '1g' } });
    expect(parseSpec(sandboxView({ ...box, spec }).spec)).toEqual(spec);
  });

  it('lets no control character of others reach the terminal', () => {
    expect(printable('a\u001b[2Jb\u0007\u009b\n')).toBe('a?[2Jb???');
  });
});
