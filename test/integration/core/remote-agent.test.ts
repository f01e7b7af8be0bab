/** A controller in this process, and the node that runs its sandboxes in another one. */
import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectAgent, type RemoteAgent } from '../../../src/core/client/connect-agent.ts';
import { Controller } from '../../../src/core/controller/controller.ts';
import { EventLog } from '../../../src/core/events/event-log.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, execOf, finish } from '../../contract/workbench.ts';
import { type AgentProcess, startAgentProcess } from '../../helpers/core/agent-process.ts';
import { deleteSandboxes } from '../../helpers/core/delete-sandboxes.ts';
import { memoryTable } from '../../helpers/core/memory-table.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { traces } from '../../helpers/core/traces.ts';

const log = pino({ level: process.env.FSB_TEST_LOG ?? 'silent' });
let root: string;
let node: AgentProcess;
let agent: RemoteAgent;
let controller: Controller;

beforeEach(async () => {
  root = await makeRoot();
  node = await startAgentProcess(root);
  agent = connectAgent(node.unix);
  controller = new Controller({
    agent,
    sandboxes: memoryTable<Sandbox>(),
    clock: systemClock,
    log,
    history: new EventLog(systemClock),
  });
  await controller.recover();
});

afterEach(async () => {
  await deleteSandboxes(controller);
  controller.close();
  await agent.close();
  await node.stop();
  const left = await traces(root);
  await rm(root, { recursive: true, force: true });
  expect(left).toEqual([]);
});

const ref = (name: string) => ({ namespace: 'default', name });

const shell = (name: string, script: string): Promise<Sandbox> =>
  controller.create({ ...ref(name), spec: { image: 'host', command: ['sh', '-c', script] } });

const LOOP = 'while :; do sleep 0.1; done';

it('takes a sandbox through its life', async () => {
  const { node: name } = await agent.facts();
  const box = await shell('box', `echo up; trap 'echo bye; exit 4' TERM; ${LOOP}`);
  expect(box).toMatchObject({ node: name, state: { phase: 'Running' } });
  let text = '';
  const followed = (async () => {
    for await (const { data } of controller.logs(ref('box'), { ...wholeLog, follow: true })) text += data;
  })();
  const ran = await finish(await controller.exec(ref('box'), execOf(['sh', '-c', 'echo hi > /f; echo out'])));
  expect([ran.stdout.toString(), ran.status.code]).toEqual(['out\n', 0]);
  expect((await controller.stop(ref('box'))).state).toMatchObject({ phase: 'Exited', status: { code: 4 } });
  await followed;
  expect(text).toBe('up\nbye\n');
  await controller.start(ref('box'));
  const kept = await finish(await controller.exec(ref('box'), execOf(['cat', '/f'])));
  expect(kept.stdout.toString()).toBe('hi\n');
  const reset = await controller.reset(ref('box'), { grace: 0 });
  expect(reset.generation).toBe(3);
  const gone = await finish(await controller.exec(ref('box'), execOf(['cat', '/f'])));
  expect(gone.status.code).toBe(1);
  await controller.delete(ref('box'), { grace: 0 });
  expect(await agent.sandboxes()).toEqual([]);
});

it('goes on while its node is killed and comes back', async () => {
  const { id } = await shell('stays', `echo one; ${LOOP}`);
  const ends = await shell('ends', 'sleep 1; exit 3');
  let text = '';
  const followed = (async () => {
    for await (const { data } of controller.logs(ref('stays'), { ...wholeLog, follow: true })) text += data;
  })();
  while (text === '') await new Promise(setImmediate);
  await node.kill();

  // What runs goes on, so nothing is said to be lost; what needs the node says that it is not there.
  expect((await controller.get(ref('stays'))).state.phase).toBe('Running');
  const refused = await errorOf(controller.exec(ref('stays'), execOf(['true'])));
  expect(refused).toMatchObject({ code: 'unavailable', hint: expect.stringContaining('goes on') });
  expect((await errorOf(shell('new', 'true'))).code).toBe('unavailable');
  expect((await controller.list({})).map(({ name }) => name)).toEqual(['ends', 'stays']);
  expect((await errorOf(controller.delete(ref('ends'), { grace: 0 }))).code).toBe('unavailable');

  node = await startAgentProcess(root);
  const held = async (): Promise<string[]> => (await agent.sandboxes()).map(({ sandboxId }) => sandboxId);
  // The client waits a little between its tries to connect; the deletion is tried again by itself.
  while ((await held().catch(() => [ends.id])).includes(ends.id)) await new Promise(setImmediate);
  const ran = await finish(await controller.exec(ref('stays'), execOf(['echo', 'still here'])));
  expect(ran.stdout.toString()).toBe('still here\n');
  const stopped = controller.stop(ref('stays'), { grace: 0 });
  expect((await stopped).state).toMatchObject({ phase: 'Exited', status: { signal: 9 } });
  await followed;
  expect(text).toBe('one\n');
  expect(await held()).toEqual([id]);
});

it('learns when its node is back how what ran there has ended meanwhile', async () => {
  await shell('ends', 'sleep 0.5; exit 3');
  const waiting = controller.wait(ref('ends'));
  await node.kill();
  node = await startAgentProcess(root);
  expect(await waiting).toEqual({ code: 3, signal: null });
});
