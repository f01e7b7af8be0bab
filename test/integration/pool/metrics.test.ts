import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealCore, startRealCore } from '../../helpers/real-core.ts';

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
});
