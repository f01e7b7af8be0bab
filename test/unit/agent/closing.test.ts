import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSpec } from '../../../src/core/model/sandbox/spec.ts';
import { buildAgent } from '../../helpers/core/agent-world.ts';
import { command, createNodeWorld, type NodeWorld } from '../../helpers/core/node-world.ts';
import { settle } from '../../helpers/manual-clock.ts';
import { makePlace, type Place } from '../logs/harness.ts';

/** Milliseconds that the end of the core has for what boots or is destroyed (docs/reliability.md). */
const LIMIT = 15_000;

let place: Place;
let world: NodeWorld;
let agent: ReturnType<typeof buildAgent>['agent'];

beforeEach(async () => {
  place = await makePlace();
  world = await createNodeWorld({ warm: [], capacity: { min: 0, buffer_min: 0, buffer_max: 0 } });
  await world.open();
  agent = buildAgent({ node: world, logs: await place.open(), clock: world.clock }).agent;
});
afterEach(() => place[Symbol.asyncDispose]());

const pool = 'default-pool';
const spec = parseSpec({ image: 'host', command: ['main'] });

/** What the end of a core gives back; each resolves when it is under way. */
const underWay: Record<string, () => Promise<void>> = {
  'a one-shot run': async () => {
    const { exited } = await world.runs.run({ pool, image: 'host', exec: command('job') });
    exited.catch(() => {});
  },
  'a lease that was just released': async () => {
    const { id } = await world.leases.lease({ pool, image: 'host' });
    // It is given back once that is on record.
    world.leases.release(id).catch(() => {});
  },
  'a copy out of a sandbox that has ended': async () => {
    world.fake.script('run', { exit: { code: 0 } });
    await agent.start({ sandboxId: 's', claimName: 'default/box', spec });
    await agent.stop('s', { grace: 0, keepFiles: true });
    const files = { sandboxId: 's', claimName: 'default/box', spec };
    const { exited } = await agent.execOnFiles(files, command('tar-out', '/'));
    exited.catch(() => {});
  },
  'a start whose boot does not end': async () => {
    world.fake.script('boot', { hang: true, deaf: true });
    agent.start({ sandboxId: 's', claimName: 'default/box', spec }).catch(() => {});
    await settle();
  },
};

describe('the end of the agent', () => {
  it.each(Object.keys(underWay))(
    'is bounded with %s under way, while nothing can be destroyed',
    async (what) => {
      await underWay[what]!();
      world.fake.always('destroy', { hang: true });
      let closed = false;
      void agent.close().then(() => {
        closed = true;
      });
      await world.clock.advance(LIMIT - 1);
      expect(closed).toBe(false);
      await world.clock.advance(1);
      expect(closed).toBe(true);
      // For the next core.
      expect([...world.ledger.ids()]).toHaveLength(1);
    },
  );

  it.each(Object.keys(underWay).slice(0, -1))('leaves nothing of %s', async (what) => {
    await underWay[what]!();
    await agent.close();
    expect(world.fake.instances).toEqual([]);
  });
});
