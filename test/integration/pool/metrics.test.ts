import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { untilIdle, untilWaiting } from '../../helpers/pool/real-pool.ts';

/** The metrics of the pool, read over HTTP from a core that boots real sandboxes. */
describe('the metrics of a real pool', () => {
  let core: RealCore;
  beforeAll(async () => {
    core = await startRealCore({ metrics: '127.0.0.1:0', pool: { warm: [{ image: 'host', count: 1 }] } });
  });
  afterAll(() => core.close());

  const scrape = async (): Promise<string> => (await fetch(core.running.status.metrics)).text();
  const sumOf = (text: string, series: RegExp): number =>
    text
      .split('\n')
      .reduce((sum, line) => (series.test(line) ? sum + Number(line.split(' ').at(-1)) : sum), 0);

  it('count claims and boots, and show the instances as they stand', async () => {
    const { pools } = core.running.api;
    const exec = { argv: ['true'], env: {}, cwd: '', user: '', tty: false, stdin: false };
    for (let run = 0; run < 3; run++) {
      const session = await pools.run({ pool: 'default-pool', exec });
      for await (const _ of session.output) void _;
      expect(await session.exited).toMatchObject({ code: 0 });
      await session.close();
    }
    const text = await scrape();
    expect(sumOf(text, /^fsb_pool_claims_total\{pool="default-pool",result="(hit|miss)"\}/)).toBe(3);
    expect(sumOf(text, /^fsb_pool_claim_seconds_count\{pool="default-pool"/)).toBe(3);
    expect(sumOf(text, /^fsb_pool_boot_seconds_count\{shape="[0-9a-f]{16}"\}/)).toBeGreaterThanOrEqual(1);
    expect(sumOf(text, /^fsb_pool_memory_bytes /)).toBeGreaterThan(0);
    expect(text).toMatch(
      /^fsb_pool_instances\{pool="default-pool",shape="[0-9a-f]{16}",state="idle"\} \d+$/m,
    );
    expect(text).toMatch(/^fsb_pool_queue_length 0$/m);
    expect(text).toMatch(/^fsb_pool_breaker_open\{shape="[0-9a-f]{16}"\} 0$/m);
  });

  it('count what goes wrong, and what has to wait', async () => {
    const { pools } = core.running.api;
    const one = { capacity: { max: 1, buffer_min: 0, buffer_max: 0 } };
    await pools.create({ name: 'tight', ...one });
    const held = await pools.lease({ pool: 'tight' });
    await expect(pools.lease({ pool: 'tight', wait: 50 })).rejects.toMatchObject({ code: 'no_capacity' });
    const waiting = pools.lease({ pool: 'tight' });
    await untilWaiting(core.running.api, 1, 'tight');
    await pools.release(held.id);
    await waiting;

    await pools.create({ name: 'full', warm: [{ image: 'host', count: 1 }], ...one });
    await untilIdle(core.running.api, 1, 'full');
    await pools.lease({ pool: 'full', resources: { pids: 77 } });

    await pools.create({ name: 'broken', warmup: ['false'], ...one });
    await expect(pools.lease({ pool: 'broken' })).rejects.toMatchObject({ code: 'run_failed' });

    const text = await scrape();
    const claims = (pool: string, result: string): number =>
      sumOf(text, new RegExp(`^fsb_pool_claims_total\\{pool="${pool}",result="${result}"\\}`));
    expect([claims('tight', 'timeout'), claims('tight', 'miss'), claims('broken', 'failed')]).toEqual([
      1, 2, 1,
    ]);
    expect(sumOf(text, /^fsb_pool_wait_seconds_count /)).toBeGreaterThanOrEqual(2);
    expect(sumOf(text, /^fsb_pool_evictions_total\{cause="room"\}/)).toBe(1);
    expect(
      sumOf(text, /^fsb_pool_boot_failures_total\{shape="[0-9a-f]{16}",reason="run_failed"\}/),
    ).toBeGreaterThanOrEqual(1);
  });
});
