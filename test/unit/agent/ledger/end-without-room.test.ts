import pino from 'pino';
import { expect, it, vi } from 'vitest';
import type { InstanceRecord, SlotRecord } from '../../../../src/core/agent/ledger/records.ts';
import type { PoolRecord } from '../../../../src/core/agent/pools/pool-record.ts';
import { Controller } from '../../../../src/core/controller/controller.ts';
import { SegmentFile } from '../../../../src/core/logs/segment-file.ts';
import { diskFull } from '../../../../src/core/model/failure/disk-full.ts';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { buildAgent } from '../../../helpers/core/agent-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { buildNode } from '../../../helpers/core/node-world.ts';
import { createManualClock, settle } from '../../../helpers/manual-clock.ts';
import { createFakeDriver } from '../../../helpers/pool/fake-driver.ts';
import { makePlace } from '../../logs/harness.ts';

const nothingWarm = { capacity: { min: 0, buffer_min: 0, buffer_max: 0 } };
const ref = { namespace: 'default', name: 'box' };
const MINUTE = 60_000;

/** A node whose records can be refused for lack of room, with one core after the other. */
function world(logs: Awaited<ReturnType<typeof makePlace>>) {
  const clock = createManualClock();
  const fake = createFakeDriver({ clock });
  const slots = memoryTable<SlotRecord>();
  const sandboxes = memoryTable<Sandbox>();
  const tables = { pools: memoryTable<PoolRecord>(), instances: memoryTable<InstanceRecord>() };
  const puts = [slots, sandboxes, tables.instances].map((table) => [table, table.put] as const);
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      await clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 1));
      await settle();
    }
  };
  return {
    ...{ clock, fake, slots, sandboxes },
    fill() {
      for (const [table] of puts) table.put = () => Promise.reject(diskFull('cannot store a record'));
    },
    free() {
      for (const [table, put] of puts) table.put = put as never;
    },
    async open() {
      const node = buildNode(nothingWarm, { clock, fake }, tables);
      const { agent, recover, close } = buildAgent({ node, logs: await logs.open(), clock, slots });
      await node.pools.open(nothingWarm);
      await recover();
      const log = pino({ level: 'silent' });
      const controller = new Controller({ history: node.events, agent, sandboxes, clock, log });
      await controller.recover();
      return { controller, close };
    },
    pass,
    /** Until that is over: files of the log are real ones, and take the time that they take. */
    async passUntil<T>(over: Promise<T>): Promise<T> {
      let isOver = false;
      const settled = over.finally(() => {
        isOver = true;
      });
      while (!isOver) await pass(1_000);
      return settled;
    },
  };
}

it.each([
  ['stop', 'Running', 'Exited'],
  ['expiry', 'Expired', 'Expired'],
])(
  'a %s while the disk is full is on record when there is room, and is not taken for a loss',
  async (how, atFull, later) => {
    await using place = await makePlace();
    const { clock, slots, sandboxes, fill, free, open, pass, passUntil } = world(place);
    const first = await open();
    const ttl = how === 'expiry' ? { ttl: '1m', grace_period: '0s' } : {};
    const policy = { failure_policy: 'AutoRecreate' as const, recovery_timeout_seconds: 5 };
    await first.controller.create({ ...ref, spec: { image: 'host', command: ['main'], ...policy, ...ttl } });
    await pass(1_000);
    fill();
    if (how === 'expiry') await clock.advance(MINUTE);
    else {
      const stopped = first.controller.stop(ref, { grace: 0 }).catch((error) => error.code);
      expect(await passUntil(stopped)).toBe('no_capacity');
    }
    await pass(MINUTE);
    const { id, state } = await first.controller.get(ref);
    expect(state.phase).toBe(atFull);
    expect(slots.get(id)?.end).toBeUndefined();
    free();
    const recorded = async (): Promise<void> => {
      while (slots.get(id)?.end === undefined) await settle();
      while ([...sandboxes.entries()].some(([, { state }]) => state.phase !== later)) await settle();
    };
    await passUntil(recorded());
    expect((await first.controller.get(ref)).state.phase).toBe(later);
    expect(slots.get(id)?.end).toMatchObject({ kind: 'exited' });
    await first.controller.close();
    await passUntil(first.close());
    const next = await open();
    await pass(20_000);
    expect(await next.controller.get(ref)).toMatchObject({ id, generation: 1, state: { phase: later } });
    await next.controller.close();
    await passUntil(next.close());
  },
);

it('who begins to follow its log while its end waits for room hears of that end', async () => {
  await using place = await makePlace();
  const { fake, fill, free, open, pass, passUntil } = world(place);
  const { controller, close } = await open();
  let end = (): void => {};
  const until = new Promise<void>((resolve) => {
    end = resolve;
  });
  fake.script('run', { until, exit: { code: 0 } });
  await controller.create({ ...ref, spec: { image: 'host', command: ['main'] } });
  fill();
  const full = vi.spyOn(SegmentFile.prototype, 'write').mockRejectedValue(diskFull('cannot write a log'));
  end();
  await pass(20_000);
  expect((await controller.get(ref)).state.phase).toBe('Running');
  let isOver = false;
  const following = (async () => {
    for await (const _ of controller.logs(ref, { ...wholeLog, follow: true }));
    isOver = true;
  })();
  await pass(MINUTE);
  expect(isOver).toBe(false);
  full.mockRestore();
  free();
  await passUntil(following);
  await controller.close();
  await passUntil(close());
});
