import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Controller } from '../../../src/core/controller/controller.ts';
import { createLogStore } from '../../../src/core/logs/file-log-store.ts';
import { type Clock, systemClock } from '../../../src/core/model/clock.ts';
import type { PoolPolicyInput } from '../../../src/core/model/pool/pool-policy.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { openChannel } from '../guest/open-channel.ts';
import type { ScriptedGuest } from '../guest/scripted-guest.ts';
import { createFakeDriver } from '../pool/fake-driver.ts';
import { buildAgent } from './agent-world.ts';
import { deleteSandboxes } from './delete-sandboxes.ts';
import { memoryTable } from './memory-table.ts';
import { buildNode } from './node-world.ts';

export type ScriptedCore = Awaited<ReturnType<typeof startScriptedCore>>;

/**
 * A whole core below its servers: controller, agent, pools, logs on the disk. Its instances are fsb-init in a pid
 * namespace; whoever is to boot next can be replaced by a guest that says what a test wants. Records are in memory.
 */
export async function startScriptedCore(said: Partial<PoolPolicyInput>, clock: Clock = systemClock) {
  const fake = createFakeDriver({ guest: 'process' });
  const directory = await mkdtemp(join(tmpdir(), 'fsb-scripted-core-'));
  const logs = await createLogStore({
    directory: join(directory, 'logs'),
    clock,
    log: pino({ level: 'silent' }),
  });
  const guests: ScriptedGuest[] = [];
  const node = buildNode(said, {
    ...{ clock, fake },
    openChannel: (path, options) => {
      const guest = guests.shift();
      return guest === undefined ? fake.openChannel(path, options) : openChannel(guest.path, options);
    },
  });
  const { pools, events } = node;
  const { log } = node.ground;
  const { agent, close } = buildAgent({ node, logs, clock });
  await pools.open(said);
  const sandboxes = new Controller({
    ...{ agent, sandboxes: memoryTable<Sandbox>(), clock, log, history: events },
  });
  await sandboxes.recover();
  // Nothing is idle: who boots next is the next who is created.
  await pools.start(false);
  return {
    sandboxes,
    pools: agent.pools,
    fake,
    /** The next instance that boots has this guest. */
    replaceNext: (guest: ScriptedGuest) => void guests.push(guest),
    async [Symbol.asyncDispose]() {
      await deleteSandboxes(sandboxes);
      await sandboxes.close();
      await close();
      await logs.close();
      await fake.close();
      await rm(directory, { recursive: true });
    },
  };
}
