import { expect, it } from 'vitest';
import { controllerWorld } from '../../helpers/core/controller-world.ts';
import { settle } from '../../helpers/manual-clock.ts';

it('a start that ends while the core closes sets no timer: the sandbox is not taken for expired', async () => {
  const { agent, controller, create, clock, records } = controllerWorld();
  let begin = (): void => {};
  const { onStart } = agent;
  agent.onStart = async (...args) => {
    await new Promise<void>((resolve) => {
      begin = resolve;
    });
    return onStart(...args);
  };
  const creating = create('box', { ttl: '10s' });
  await settle();
  await controller.close();
  begin();
  const { state } = await creating;
  expect([state.phase, clock.pending]).toEqual(['Running', 0]);
  await clock.advance(10_000);
  expect([...records.entries()].map(([, box]) => box.state.phase)).toEqual(['Running']);
});
