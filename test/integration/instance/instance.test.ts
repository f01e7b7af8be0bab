import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adoptInstance, bootInstance } from '../../../src/core/instance/boot-instance.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import { defaultResources, type Shape } from '../../../src/core/model/sandbox/shape.ts';
import { collect } from '../../helpers/guest/channel-fixture.ts';
import { processSpec } from '../../helpers/guest/process-spec.ts';
import { createFakeDriver, type FakeDriver } from '../../helpers/pool/fake-driver.ts';

const shape: Shape = {
  image: 'host',
  runtime: 'fake',
  resources: defaultResources,
  network: 'none',
  mounts: [],
};
const options = { clock: systemClock };

let fake: FakeDriver;
beforeEach(() => {
  fake = createFakeDriver({ guest: 'process' });
});
afterEach(() => fake.close());

const boot = () =>
  bootInstance(
    fake.driver,
    fake.openChannel,
    { id: newInstanceId(), shape, root: { overlays: [] } },
    options,
  );

describe('an instance with a real guest', () => {
  it('runs a command once claimed, and leaves nothing when destroyed', async () => {
    const instance = await boot();
    await instance.claim();
    const process = await instance.channel.spawn(1, processSpec(['echo', 'hello']));
    expect((await collect(process.output)).stdout).toBe('hello\n');
    await instance.destroy('done');
    expect(instance.state).toBe('dead');
    expect(existsSync(instance.channelPath)).toBe(false);
    expect(existsSync(`/proc/${instance.pid}`)).toBe(false);
  });

  it('answers again after a pause', async () => {
    const instance = await boot();
    await instance.pause();
    await expect(instance.channel.ping(50)).rejects.toMatchObject({ code: 'timeout' });
    await instance.claim();
    await instance.channel.ping(5_000);
    await instance.destroy('done');
  });

  it('tells everyone when its guest is killed from outside', async () => {
    const instance = await boot();
    const process = await instance.channel.spawn(1, processSpec(['sleep', '1000']));
    fake.killInstance(instance.id);
    expect((await instance.failed).message).toMatch(/lost/);
    await expect(process.exited).rejects.toMatchObject({ code: 'run_failed' });
    await instance.destroy('lost');
    expect(fake.counts.live).toBe(0);
  });

  it('is taken up by a second core with its process', async () => {
    const first = await boot();
    await first.claim();
    await first.channel.spawn(1, processSpec(['cat'], { stdin: true }));
    await first.detach();
    const [found] = await fake.driver.list();
    const second = await adoptInstance(fake.driver, fake.openChannel, found!, shape, 'claimed', options);
    expect(second).toMatchObject({ state: 'claimed', pid: first.pid, pidStartTime: first.pidStartTime });
    const process = second.channel.resume(1, { stdout: 0, stderr: 0 });
    await process.write(Buffer.from('still here'));
    process.endInput();
    expect((await collect(process.output)).stdout).toBe('still here');
    await second.kill();
    await second.destroy('done');
  });
});
