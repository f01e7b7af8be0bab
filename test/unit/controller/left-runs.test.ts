import { describe, expect, it } from 'vitest';
import type { AgentSandboxState } from '../../../src/core/api/agent-api.ts';
import { controllerWorld, exit } from '../../helpers/core/controller-world.ts';
import { settle } from '../../helpers/manual-clock.ts';

const box = { namespace: 'default', name: 'box' };
const running = { state: 'running', startedAt: 0 } as const;

/** The next core, over what a `run --rm` of the last one has left. */
async function nextCore(state: AgentSandboxState | undefined, autoRemove = true, spec = {}) {
  const before = controllerWorld();
  const made = { ...box, spec: { image: 'host', ...spec }, autoRemove };
  const { id } = await before.controller.create(made);
  before.controller.close();
  const next = controllerWorld(before.records, before.clock);
  if (state) next.agent.held.set(id, state);
  await next.controller.recover();
  await settle();
  return { ...next, id };
}

describe('what a run was to delete when the core ended', () => {
  it('is deleted by the next core once it has ended', async () => {
    const { controller, agent, id } = await nextCore(running);
    expect((await controller.get(box)).state.phase).toBe('Running');
    await agent.report(id, exit(3, 1));
    expect(await controller.list({})).toEqual([]);
    expect(agent.forgotten).toEqual([id]);
  });

  it.each([
    ['has ended', exit(0, 1)],
    ['is lost', undefined],
  ])('is deleted at once where it %s meanwhile', async (_, state) => {
    const { controller } = await nextCore(state);
    expect(await controller.list({})).toEqual([]);
  });

  it('stays over a restart of somebody, and while it is to be recreated', async () => {
    const { controller, agent } = await nextCore(running);
    const { id } = await controller.restart(box);
    await settle();
    expect((await controller.get(box)).state.phase).toBe('Running');
    await agent.report(id, exit(0, 1));
    expect(await controller.list({})).toEqual([]);
    const lost = await nextCore(undefined, true, { failure_policy: 'auto' });
    expect((await lost.controller.get(box)).state.phase).toBe('Lost');
  });

  it('is nobody`s that was made to stay, and left to the caller in the core that made it', async () => {
    const kept = await nextCore(exit(0, 1), false);
    expect((await kept.controller.get(box)).state.phase).toBe('Exited');
    const { controller, agent } = controllerWorld();
    const { id } = await controller.create({ ...box, spec: { image: 'host' }, autoRemove: true });
    await agent.report(id, exit(0, 1));
    expect((await controller.get(box)).state.phase).toBe('Exited');
  });
});
