import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { textOf } from '../../helpers/core/storm/promises.ts';
import { finish, runIn, shell, untilPool } from '../../helpers/pool/real-pool.ts';

const POOL = 'sticky';
/** PID 1, and the shell that counts. */
const COUNT = 'set -- /proc/[0-9]*; echo $#';

describe('an instance of a sticky pool', () => {
  let core: RealCore;
  beforeAll(async () => {
    core = await startRealCore({ pool: { warm: [] } });
    const capacity = { max: 1, buffer_min: 1, buffer_max: 1 };
    await core.running.api.pools.create({
      name: POOL,
      reuse: 'sticky',
      capacity,
      resources: { memory: '64m' },
    });
  });
  afterAll(() => core.close());

  const only = async (): Promise<string> => {
    const pool = await untilPool(core.running.api, ({ idle }) => idle === 1, POOL);
    return pool.instances[0]!.id;
  };

  const sandbox = (name: string, script: string): Promise<Sandbox> =>
    core.running.api.sandboxes.create({
      namespace: 'default',
      name,
      spec: { image: 'host', command: ['sh', '-c', script], pool_ref: POOL },
    });

  it('goes from one holder to the next, and nothing of the one before runs in it', async () => {
    const { pools, sandboxes } = core.running.api;
    const lease = await pools.lease({ pool: POOL });
    for (const script of ['sleep 1000', 'setsid sleep 1000 & sleep 1000', 'yes']) {
      const session = await pools.exec(lease.id, shell(script));
      session.exited.catch(() => {});
    }
    await pools.release(lease.id);
    expect(await only()).toBe(lease.instance);
    expect(await runIn(core.running.api, COUNT, { pool: POOL })).toEqual({ text: '2\n', code: 0 });
    expect(await only()).toBe(lease.instance);

    const box = await sandbox('first', `${COUNT}; sleep 1000 & exit 7`);
    expect(await sandboxes.wait(box)).toMatchObject({ code: 7 });
    expect(await only()).toBe(lease.instance);
    expect(await textOf(core.running.api, box)).toBe('2\n');
    const next = await sandbox('second', `${COUNT}; sleep 1000`);
    const session = await sandboxes.exec(next, shell('echo of the second; sleep 1000'));
    for await (const { data } of session.output) {
      expect(data.toString()).toBe('of the second\n');
      break;
    }
    await sandboxes.delete(next, { grace: 0 });
    expect(await only()).toBe(lease.instance);
    await sandboxes.delete(box);
    const row = (await pools.status(POOL))[0]!;
    expect(row).toMatchObject({ misses: 1, hits: 3, idle: 1 });
  });

  it('does not blame the memory that one holder ran out of on the next', async () => {
    const { sandboxes, pools } = core.running.api;
    const hungry = await sandbox('hungry', 'tail /dev/zero; echo survived');
    await sandboxes.wait(hungry);
    expect(await textOf(core.running.api, hungry)).toContain('survived');
    await only();
    const innocent = await sandbox('innocent', 'kill -9 $$');
    expect(await sandboxes.wait(innocent)).toEqual({ code: null, signal: 9 });
    expect((await sandboxes.get(innocent)).state.phase).toBe('Exited');
    await only();
    const guilty = await sandbox('guilty', 'exec tail /dev/zero');
    await sandboxes.wait(guilty).catch(() => {});
    expect((await sandboxes.get(guilty)).state).toMatchObject({
      phase: 'Failed',
      reason: expect.stringContaining('memory'),
    });
    for (const box of [hungry, innocent, guilty]) await sandboxes.delete(box);
    expect((await pools.get(POOL)).claimed).toBe(0);
  });

  it('is not kept when a command could not be started in it as it should', async () => {
    const { pools } = core.running.api;
    const before = await only();
    const missing = { ...shell(''), argv: ['no-such-command'] };
    expect(await errorOf(pools.run({ pool: POOL, exec: missing }))).toMatchObject({
      code: 'command_not_found',
    });
    expect(await only()).not.toBe(before);
  });

  it('can be interrupted at any moment by callers who leave', async () => {
    const { pools } = core.running.api;
    for (let turn = 0; turn < 5; turn++) {
      const leaving = new AbortController();
      const running = pools
        .run({ pool: POOL, exec: shell('yes') }, { signal: leaving.signal })
        .then(async (session) => {
          session.exited.catch(() => {});
          for await (const _ of session.output) leaving.abort();
        })
        .catch(() => {});
      if (turn === 0) leaving.abort();
      await running;
      const session = await pools.run({ pool: POOL, exec: shell(COUNT) });
      expect((await finish(session)).text).toBe('2\n');
    }
  });
});
