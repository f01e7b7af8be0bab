import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/model/clock.ts';
import type { PoolEvent } from '../../../src/core/model/pool/pool.ts';
import { parsePolicy } from '../../../src/core/model/pool/pool-policy.ts';
import { createPool } from '../../../src/core/pool/create-pool.ts';
import type { Claim, Pool } from '../../../src/core/pool/pool.ts';
import { collect } from '../../helpers/guest/channel-fixture.ts';
import { processSpec } from '../../helpers/guest/process-spec.ts';
import { type Booter, booters } from '../../helpers/pool/booters.ts';

const sh = (script: string) => processSpec(['sh', '-c', script]);

describe.each(booters)('a pool of %s', (_, open) => {
  let booter: Booter;
  let pool: Pool;
  let events: PoolEvent[];
  let held: Set<Claim>;
  beforeEach(async () => {
    booter = await open();
    events = [];
    held = new Set();
  });
  afterEach(async () => {
    await Promise.all([...held].map((claim) => pool.release(claim)));
    await pool.close();
    expect(await booter.close()).toEqual([]);
  });

  function make(said: object): void {
    const policy = parsePolicy(
      { name: 'p', capacity: { max: 8, buffer_min: 0, buffer_max: 4 }, ...said },
      { cores: 2, pids: 32_768, memory: 64 * 1024 ** 3 },
    );
    const log = pino({ level: 'silent' });
    const processFor = (_: unknown, argv: string[]) => processSpec(argv);
    pool = createPool({ policy, boot: booter.boot, processFor, clock: systemClock, log });
    pool.onEvent((event) => events.push(event));
  }

  async function take(options = {}): Promise<Claim> {
    const claim = await pool.claim({ shape: booter.shape, image: 'host', timeout: 20_000, ...options });
    held.add(claim);
    return claim;
  }

  function giveBack(claim: Claim): Promise<void> {
    held.delete(claim);
    return pool.release(claim);
  }

  const warm = (count: number): void => pool.keepWarm([{ shape: booter.shape, image: 'host', count }]);

  /** Until an event of this kind has come so often. */
  const seen = (type: PoolEvent['type'], count: number): Promise<void> =>
    new Promise((resolve) => {
      const enough = () => events.filter((event) => event.type === type).length >= count;
      if (enough()) resolve();
      const stop = pool.onEvent(() => {
        if (!enough()) return;
        stop();
        resolve();
      });
    });

  it('runs the warm-up command before anything is idle, and leaves its id free', async () => {
    make({ warmup: ['sleep', '0.1'] });
    warm(2);
    await seen('idle', 2);
    const { instance, hit } = await take();
    expect(hit).toBe(true);
    const process = await instance.channel.spawn(1, processSpec(['echo', 'hello']));
    expect((await collect(process.output)).stdout).toBe('hello\n');
  });

  it('destroys one whose warm-up command fails, and says why', async () => {
    make({ warmup: ['sh', '-c', 'echo no such thing >&2; exit 3'] });
    await expect(take()).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringContaining('the warm-up command sh ended with 3: no such thing'),
    });
    expect(pool.totals).toMatchObject({ idle: 0, claimed: 0, booting: 0 });
  });

  it('gives up a warm-up command that takes too long', async () => {
    make({ warmup: ['sh', '-c', 'echo still at it >&2; sleep 1000'], boot_timeout: '3s' });
    await take({ timeout: 4000 }).catch(() => undefined);
    const [failure] = events.filter(({ type }) => type === 'boot-failed');
    expect(failure).toMatchObject({ cause: expect.stringContaining('was still running: still at it') });
  });

  it('uses instances again, with nothing of the one before left running', async () => {
    make({ reuse: 'sticky' });
    warm(1);
    await seen('idle', 1);
    const ids = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const claim = await take();
      ids.add(claim.instance.id);
      const process = await claim.instance.channel.spawn(1, sh('sleep 1000 & sleep 1000 & echo ready; wait'));
      for await (const chunk of process.output) if (chunk.data.toString().includes('ready')) break;
      await giveBack(claim);
      expect(await booter.driver.stats(claim.instance.id)).toMatchObject({ pids: 1 });
    }
    expect(ids.size).toBeLessThanOrEqual(2);
    expect(events.filter(({ type }) => type === 'destroyed')).toEqual([]);
  });

  it('freezes what is idle, and a claim thaws', async () => {
    make({ pause_idle: true });
    warm(2);
    await seen('paused', 2);
    for (let round = 0; round < 3; round++) {
      const claim = await take();
      expect(claim.hit).toBe(true);
      const process = await claim.instance.channel.spawn(1, processSpec(['echo', 'hello']));
      expect((await collect(process.output)).stdout).toBe('hello\n');
      await giveBack(claim);
      await seen('paused', 3 + round);
    }
    expect(events.filter(({ type }) => type === 'resumed')).toHaveLength(3);
  });

  it('max 2 and 6 callers: at most 2 live, all are served, in the order in which they came', async () => {
    make({ capacity: { max: 2, buffer_min: 0, buffer_max: 0 } });
    let most = 0;
    pool.onEvent(() => {
      const { idle, claimed, booting, stopping } = pool.totals;
      most = Math.max(most, idle + claimed + booting + stopping);
    });
    const order: number[] = [];
    const callers = Array.from({ length: 6 }, async (_, index) => {
      const claim = await take();
      order.push(index);
      await giveBack(claim);
    });
    await Promise.all(callers);
    // Of the two that are served at a time either guest may answer first.
    expect(order.filter((index, turn) => Math.abs(index - turn) > 1)).toEqual([]);
    expect(most).toBe(2);
  });

  it('an idle one that is killed from outside is replaced, and the next claim never meets it', async () => {
    make({});
    warm(2);
    await seen('idle', 2);
    const [victim] = pool.instances();
    process.kill(victim!.instance.pid, 'SIGKILL');
    const claim = await take();
    expect(claim.instance.id).not.toBe(victim!.instance.id);
    await Promise.all([seen('idle', 3), seen('destroyed', 1)]);
    await claim.instance.channel.ping(1000);
    expect(pool.holds(victim!.instance.id)).toBe(false);
  });

  it('finds one that is silent, and replaces it', async () => {
    make({ health: { interval: '300ms', timeout: '100ms' } });
    warm(2);
    await seen('idle', 2);
    const { id, pid } = pool.instances()[0]!.instance;
    // PID 1 alone is stopped: its socket stays open, and only a question finds out. On a busy machine the other may seem silent, too.
    process.kill(pid, 'SIGSTOP');
    await expect
      .poll(() => events.some((event) => event.type === 'destroyed' && event.instance === id))
      .toBe(true);
    await seen('idle', 3);
  });

  it('close racing 20 claims leaves nothing', async () => {
    make({ capacity: { max: 6, buffer_min: 0, buffer_max: 0 } });
    warm(3);
    await seen('idle', 1);
    const claims = Array.from({ length: 20 }, () => take());
    const outcomes = Promise.allSettled(claims);
    const closed = pool.close();
    for (const outcome of await outcomes) {
      if (outcome.status === 'fulfilled') await giveBack(outcome.value);
      else expect(outcome.reason).toMatchObject({ code: 'unavailable' });
    }
    await closed;
    expect(pool.totals).toMatchObject({ idle: 0, claimed: 0, booting: 0, stopping: 0, memory: 0 });
    expect(await booter.driver.list()).toEqual([]);
  });
});
