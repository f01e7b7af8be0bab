import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolStatusListing } from '../../../../src/cli/output/listings/pool-status-view.ts';
import { poolListing } from '../../../../src/cli/output/listings/pool-view.ts';
import { type Listing, type OutputFormat, render } from '../../../../src/cli/output/output.ts';
import type { PoolInfo, PoolShapeStatus } from '../../../../src/core/model/pool/pool.ts';
import { parsePolicy } from '../../../../src/core/model/pool/pool-policy.ts';
import type { ShapeSummary } from '../../../../src/core/model/sandbox/shape.ts';
import { policyView } from '../../../../src/core/view/policy-view.ts';
import { bootedWith, node, poolWith, shapeRow } from '../../../helpers/cli/warming-core.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const minutes = (count: number): number => now - count * 60_000;

const host = shapeRow({
  ...{ shape: '0123456789abcdef', image: 'host', warm: 4, idle: 4, claimed: 1, stopping: 1 },
  ...{ hits: 3, misses: 1, p50: 0.6, p99: 12.25 },
});
const waiting = shapeRow({
  shape: 'fedcba9876543210',
  image: 'docker.io/library/alpine:3',
  warm: 2,
  booting: 1,
  waiting: 2,
});
const broken = shapeRow({
  ...{ pool: 'other', shape: '', image: 'nope', max: 2, warm: 2, breaker: 'image nope is not here\u001b[2J' },
});

const active: PoolInfo = poolWith([host, waiting]);
const drained: PoolInfo = {
  ...poolWith([], { name: 'ci', lease_ttl: 0 }),
  ...{ name: 'ci', state: 'drained', createdAt: minutes(1) },
};
const brokenStatus = poolStatusListing([host, broken]);
const small = {
  ...{ ...host, shape: '00000000000000ff', warm: 0, idle: 0, claimed: 1, hits: 0 },
  bootedWith: { ...bootedWith, resources: { cpus: 0.5, memory: 64 * 1024 ** 2, pids: 32 } },
};
const unused = { ...host, shape: '00000000000000aa', warm: 0, idle: 0, claimed: 0, stopping: 0 };
const alikeStatus = poolStatusListing([host, small, unused, { ...unused, image: 'busybox:1' }, waiting]);

const mounted = (sources: string[]): PoolShapeStatus => ({
  ...{ ...host, shape: `${sources.length}11111112222222`, warm: 0, idle: 1, p50: 58.2, p99: 58.2 },
  bootedWith: { ...small.bootedWith, mounts: ['/data/cache', ...sources] },
});

// biome-ignore lint/suspicious/noExplicitAny: listings of every kind
const cases: [string, Listing<any>, OutputFormat][] = [
  ['pool-status-broken', brokenStatus, 'table'],
  ['pool-status-broken', brokenStatus, 'json'],
  ['pool-status-alike', alikeStatus, 'table'],
  ['pool-status-alike', alikeStatus, 'wide'],
  ['pool-status-empty', poolStatusListing([]), 'json'],
];

describe('the output of the pool commands', () => {
  it.each(cases)('%s as %3$s', async (name, listing, format) => {
    const text = await render(listing, { format, quiet: false, colors: false });
    await expect(text).toMatchFileSnapshot(`../../../fixtures/golden/${name}.${format}.txt`);
  });

  it.each(cases)('%s prints names, each once, with -q', async (_, listing) => {
    const text = await render(listing, { format: 'table', quiet: true, colors: false });
    const names = listing.items.map((item) => `${listing.name(item)}\n`);
    expect(text).toBe([...new Set(names)].join(''));
  });

  it('tell rows of one image apart, and leave out unused ones where people read', async () => {
    const rows = [host, unused, waiting, { ...waiting, pool: 'other' }];
    const options = { format: 'table', quiet: false, colors: false } as const;
    const table = await render(poolStatusListing(rows), options);
    expect(table.trim().split('\n')).toHaveLength(4);
    expect(poolStatusListing(rows).items).toHaveLength(4);
    for (const used of [{ warm: 1 }, { stopping: 1 }, { waiting: 1 }, { breaker: 'no' }]) {
      const listing = poolStatusListing([host, { ...unused, ...used }]);
      expect((await render(listing, options)).trim().split('\n')).toHaveLength(3);
    }
  });

  it.each<[Partial<ShapeSummary>, string]>([
    [{}, '1 cpu, 512MiB'],
    [
      { resources: { cpus: 2, memory: 1024 ** 3, pids: 9, disk: 1024 ** 3 } },
      '2 cpus, 1GiB, 9 processes, 1GiB disk',
    ],
    [{ network: 'host', mounts: ['/a', '/b'] }, '1 cpu, 512MiB, network host, mounts /a /b'],
    [{ keptFiles: true }, '1 cpu, 512MiB, kept files'],
  ])('say in words what %j is, and its hash to who asks for all', async (said, words) => {
    const listing = poolStatusListing([host, { ...small, bootedWith: { ...bootedWith, ...said } }]);
    const options = { quiet: false, colors: false, width: 80 } as const;
    const table = await render(listing, { ...options, format: 'table' });
    expect(table).toContain(words.slice(0, 8));
    expect(table).not.toContain(host.shape);
    const wide = await render(listing, { ...options, format: 'wide' });
    expect(wide).toMatch(new RegExp(`   ${words}(, shape 00000000)?   .*   ${small.shape}   `));
  });

  it('fit a terminal of 80 columns, with all that tells rows apart', async () => {
    const listing = poolStatusListing([
      host,
      mounted(['/data/usr']),
      mounted(['/opt/tool', '/srv/www']),
      waiting,
    ]);
    const text = await render(listing, { format: 'table', quiet: false, colors: false, width: 80 });
    await expect(text).toMatchFileSnapshot('../../../fixtures/golden/pool-status-alike.80.txt');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    for (const path of ['/data/cache', '/data/usr', '/opt/tool', '/srv/www']) expect(text).toContain(path);
  });

  it('tell rows apart that say the same, and others not by what says nothing', async () => {
    const same = { ...small, shape: 'aaaabbbbccccdddd' };
    const other = { ...host, shape: '1111222233334444', image: 'busybox:1' };
    const rows = [host, small, same, { ...same, pool: 'other' }, other];
    const text = await render(poolStatusListing(rows), { format: 'table', quiet: false, colors: false });
    expect(text.match(/processes.*?(?= {3})/g)).toEqual([
      'processes, shape 00000000',
      'processes, shape aaaabbbb',
      'processes',
    ]);
    expect(text.match(/shape/g)).toHaveLength(2);
  });

  it('colours states only when asked', async () => {
    const options = { format: 'table', quiet: false } as const;
    for (const listing of [brokenStatus, poolListing([drained, active], now)] as Listing<unknown>[]) {
      const colored = await render(listing, { ...options, colors: true });
      expect(colored).toContain('\u001b[31m');
      expect(stripVTControlCharacters(colored)).toBe(await render(listing, { ...options, colors: false }));
    }
  });
});

describe('the policy of a pool', () => {
  const duration = fc.integer({ min: 1, max: 10_000_000 }).map((ms) => `${ms}ms`);
  const policies = fc.record(
    {
      warm: fc.constant([{ image: 'host', count: 1 }, { image: 'a:1' }]),
      capacity: fc.record({ min: fc.integer({ min: 0, max: 3 }), max: fc.integer({ min: 3, max: 9 }) }),
      memory_budget: fc.constantFrom('4g', 3_000_000_000),
      ttl: fc.oneof(duration, fc.constant(0)),
      max_age: duration,
      on_empty: fc.constantFrom('boot' as const, 'wait' as const, 'fail' as const),
      queue: fc.record({ length: fc.integer({ min: 1, max: 9 }), timeout: duration }),
      reuse: fc.constantFrom('one-shot' as const, 'sticky' as const),
      pause_idle: fc.boolean(),
      health: fc.constant({ interval: '1m', timeout: '1s' }),
      warmup: fc.array(fc.string({ minLength: 1 })),
      autoscale: fc.constant({ enabled: true, up: 0.5, down: 0.25, window: '1h', cooldown: 0, max_step: 2 }),
      resources: fc.record({ cpus: fc.constantFrom(0.5, 2), pids: fc.integer({ min: 1, max: 99 }) }),
      lease_ttl: duration,
      boot_timeout: duration,
    },
    { requiredKeys: ['warm'] },
  );

  it('is shown in a form that pool create takes back unchanged', () => {
    fc.assert(
      fc.property(policies, (said) => {
        const policy = parsePolicy({ name: 'p', ...said }, node);
        expect(parsePolicy(policyView(policy), { cores: 64, pids: 32_768, memory: 1024 ** 4 })).toEqual(
          policy,
        );
      }),
    );
  });
});
