import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/model/clock.ts';
import type { PoolShapeStatus } from '../../../../src/core/model/pool/pool.ts';
import { type CoreMetrics, createCoreMetrics } from '../../../../src/core/server/metrics/core-metrics.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

describe('the metrics of a core', () => {
  let inner: HostCore;
  let metrics: CoreMetrics;
  let served: ServedCore;

  beforeEach(async () => {
    inner = hostCore();
    metrics = createCoreMetrics(systemClock);
    const options = { metrics: '127.0.0.1:0', coreMetrics: metrics };
    served = await serveAndConnect(inner, 'tcp', options);
  });

  afterEach(async () => {
    await served.close();
    await inner.close();
  });

  /** The lines of one metric, as they come over HTTP. */
  async function scrape(name: string): Promise<string[]> {
    const response = await fetch(`http://${served.servers.metrics}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const lines = (await response.text()).split('\n');
    return lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  }

  const row = (shape: string, more: Partial<PoolShapeStatus> = {}): PoolShapeStatus => ({
    ...{ pool: 'default-pool', shape, image: 'host', max: 8, warm: 0, idle: 0, claimed: 0, booting: 0 },
    ...{ stopping: 0, waiting: 0, hits: 0, misses: 0, evicted: 0 },
    ...more,
  });

  it('count claims and their times by pool and result', async () => {
    const meter = metrics.pool('default-pool');
    for (const ms of [0.4, 0.6, 30]) meter.claim('hit', ms);
    for (const result of ['miss', 'timeout', 'rejected', 'failed'] as const) meter.claim(result, 50);
    expect(await scrape('fsb_pool_claims_total')).toEqual([
      'fsb_pool_claims_total{pool="default-pool",result="hit"} 3',
      'fsb_pool_claims_total{pool="default-pool",result="miss"} 1',
      'fsb_pool_claims_total{pool="default-pool",result="timeout"} 1',
      'fsb_pool_claims_total{pool="default-pool",result="rejected"} 1',
      'fsb_pool_claims_total{pool="default-pool",result="failed"} 1',
    ]);
    const labels = 'pool="default-pool",result="hit"';
    const buckets = await scrape('fsb_pool_claim_seconds_bucket');
    expect(buckets).toContain(`fsb_pool_claim_seconds_bucket{le="0.0005",${labels}} 1`);
    expect(buckets).toContain(`fsb_pool_claim_seconds_bucket{le="0.001",${labels}} 2`);
    expect(buckets).toContain(`fsb_pool_claim_seconds_bucket{le="+Inf",${labels}} 3`);
    expect(await scrape('fsb_pool_claim_seconds_sum')).toContain(
      `fsb_pool_claim_seconds_sum{${labels}} 0.031`,
    );
  });

  it('begin at 0 with the pool and the shape, so that the first of each is a rise', async () => {
    const zero = (result: string): string =>
      `fsb_pool_claims_total{pool="default-pool",result="${result}"} 0`;
    metrics.pool('default-pool');
    expect(await scrape('fsb_pool_claims_total')).toEqual(
      ['hit', 'miss', 'timeout', 'rejected', 'failed'].map(zero),
    );
    const evictions = await scrape('fsb_pool_evictions_total');
    for (const cause of ['room', 'ttl', 'max_age'])
      expect(evictions).toContain(`fsb_pool_evictions_total{cause="${cause}"} 0`);
    const { shape } = (await inner.pools.status())[0]!;
    expect(await scrape('fsb_pool_boot_failures_total')).toContain(
      `fsb_pool_boot_failures_total{shape="${shape}",reason="run_failed"} 0`,
    );
  });

  it('show what a pool counted once more before it is forgotten', async () => {
    const { pools } = inner;
    await pools.create({ name: 'other', resources: { memory: '64m' } });
    const meter = metrics.pool('other');
    await scrape('fsb_pool_claims_total');
    meter.claim('hit', 1);
    await pools.delete('other');
    const last = 'fsb_pool_claims_total{pool="other",result="hit"} 1';
    expect(await scrape('fsb_pool_claims_total')).toContain(last);
    expect((await scrape('fsb_pool_claims_total')).join('\n')).not.toContain('other');
  });

  it('count waits, boots, failures and evictions', async () => {
    const { shape } = (await inner.pools.status())[0]!;
    const meter = metrics.pool('default-pool');
    meter.waited(250);
    meter.booted(shape, 40);
    meter.bootFailed(shape, 'run_failed');
    for (const cause of ['room', 'room', 'ttl']) meter.evicted(cause);
    expect(await scrape('fsb_pool_wait_seconds_sum')).toEqual(['fsb_pool_wait_seconds_sum 0.25']);
    expect(await scrape('fsb_pool_boot_seconds_sum')).toEqual([
      `fsb_pool_boot_seconds_sum{shape="${shape}"} 0.04`,
    ]);
    expect(await scrape('fsb_pool_boot_failures_total')).toEqual([
      `fsb_pool_boot_failures_total{shape="${shape}",reason="run_failed"} 1`,
      `fsb_pool_boot_failures_total{shape="${shape}",reason="timeout"} 0`,
    ]);
    expect(await scrape('fsb_pool_evictions_total')).toEqual([
      'fsb_pool_evictions_total{cause="room"} 2',
      'fsb_pool_evictions_total{cause="surplus"} 0',
      'fsb_pool_evictions_total{cause="ttl"} 1',
      'fsb_pool_evictions_total{cause="max_age"} 0',
    ]);
  });

  it('show the pools as they stand, and nothing of those that are gone', async () => {
    const { pools } = inner;
    await pools.create({ name: 'other', warm: [{ image: 'host', count: 1 }], resources: { memory: '64m' } });
    const lease = await pools.lease({ pool: 'other' });
    const { shape } = (await pools.status('other'))[0]!;
    const of = (state: string): string =>
      `fsb_pool_instances{pool="other",shape="${shape}",state="${state}"}`;
    const shown = await scrape('fsb_pool_instances');
    for (const line of [`${of('idle')} 1`, `${of('claimed')} 1`, `${of('booting')} 0`, `${of('stopping')} 0`])
      expect(shown).toContain(line);
    const taken = (await pools.list()).reduce((sum, { memory }) => sum + memory, 0);
    expect(await scrape('fsb_pool_memory_bytes')).toEqual([`fsb_pool_memory_bytes ${taken}`]);
    expect(await scrape('fsb_pool_queue_length')).toEqual(['fsb_pool_queue_length 0']);
    metrics.pool('other').claim('hit', 1);
    metrics.pool('other').booted(shape, 40);
    await pools.release(lease.id);
    await pools.delete('other');
    for (const name of [
      'fsb_pool_instances',
      'fsb_pool_claims_total',
      'fsb_pool_claim_seconds_count',
      'fsb_pool_boot_seconds_count',
      'fsb_pool_breaker_open',
    ]) {
      // What was measured of it is forgotten by the scrape that finds it gone.
      await scrape(name);
      const left = (await scrape(name)).join('\n');
      expect(left).not.toContain('other');
      expect(left).not.toContain(shape);
    }
  });

  it('show open breakers, whichever pool they are of', async () => {
    const rows = [
      row('aaaa', { breaker: 'boot failed' }),
      row('aaaa', { pool: 'other' }),
      row('bbbb'),
      row('', { breaker: 'the image is not here' }),
    ];
    const pools = { list: () => inner.pools.list(), status: async () => rows };
    const text = await metrics.text(pools);
    expect(text.split('\n').filter((line) => line.startsWith('fsb_pool_breaker_open{'))).toEqual([
      'fsb_pool_breaker_open{shape="aaaa"} 1',
      'fsb_pool_breaker_open{shape="bbbb"} 0',
    ]);
    expect(text).not.toContain('shape=""');
  });

  it('keep few labels, however many shapes there were', async () => {
    const shapes = Array.from({ length: 1000 }, (_, n) => `shape${n}`);
    const meter = metrics.pool('default-pool');
    for (const shape of shapes) {
      meter.booted(shape, 40);
      meter.bootFailed(shape, 'run_failed');
    }
    const pools = { list: () => inner.pools.list(), status: async () => shapes.map((shape) => row(shape)) };
    const lines = (await metrics.text(pools)).split('\n');
    const failures = lines.filter((line) => /^fsb_pool_boot_failures_total\{.*run_failed/.test(line));
    expect(failures).toHaveLength(257);
    expect(failures).toContain('fsb_pool_boot_failures_total{shape="other",reason="run_failed"} 744');
    expect(lines.filter((line) => line.startsWith('fsb_pool_boot_seconds_count{'))).toHaveLength(257);
  });

  it('serve a second listener when the first address could not be had', async () => {
    const again = await serveAndConnect(inner, 'tcp', { metrics: '127.0.0.1:0', coreMetrics: metrics });
    metrics.pool('default-pool').claim('hit', 1);
    const response = await fetch(`http://${again.servers.metrics}/metrics`);
    expect(await response.text()).toContain('fsb_pool_claims_total{pool="default-pool",result="hit"} 1');
    await again.close();
  });
});
