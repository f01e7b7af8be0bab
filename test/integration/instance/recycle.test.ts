import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Instance } from '../../../src/core/instance/instance.ts';
import { collect } from '../../helpers/guest/channel-fixture.ts';
import { processSpec } from '../../helpers/guest/process-spec.ts';
import { type Booter, booters } from '../../helpers/pool/booters.ts';

const sh = (script: string, more = {}) => processSpec(['sh', '-c', script], more);

describe.each(booters)('recycling %s', (_, open) => {
  let booter: Booter;
  let instance: Instance;
  beforeEach(async () => {
    booter = await open();
    instance = await booter.boot(booter.shape);
    await instance.claim();
  });
  afterEach(async () => {
    await instance.destroy('the test is over');
    expect(await booter.close()).toEqual([]);
  });

  async function expectClean(): Promise<void> {
    expect(instance.state).toBe('idle');
    expect(await booter.driver.stats(instance.id)).toMatchObject({ pids: 1 });
    await instance.claim();
    const next = await instance.channel.spawn(1, processSpec(['echo', 'hello']));
    expect((await collect(next.output)).stdout).toBe('hello\n');
    expect(await next.exited).toEqual({ code: 0, signal: null });
  }

  it('leaves nothing of what ignores signals, has a session of its own, or is stopped', async () => {
    const script = `
      trap '' TERM HUP INT
      setsid sh -c 'trap "" TERM HUP; sleep 1000' &
      sleep 1001 & kill -STOP $!
      (sleep 1002 & exec sleep 1003) &
      echo ready; wait`;
    const process = await instance.channel.spawn(1, sh(script));
    for await (const chunk of process.output) if (chunk.data.toString().includes('ready')) break;
    await instance.recycle();
    expect(await process.exited).toEqual({ code: null, signal: 9 });
    await expectClean();
  });

  it('outruns what forks all the time', async () => {
    const script = 'echo ready; while :; do (sleep 1000 & sleep 1000 &) & done';
    const process = await instance.channel.spawn(1, sh(script, { discardOutput: false }));
    for await (const chunk of process.output) if (chunk.data.toString().includes('ready')) break;
    await instance.recycle();
    await expectClean();
  });

  it('frees the ids of what ended unheard and of what nobody reads', async () => {
    const quiet = await instance.channel.spawn(1, processSpec(['true']));
    await quiet.exited;
    await instance.channel.spawn(2, sh('yes'));
    await instance.channel.spawn(3, processSpec(['cat'], { tty: true, stdin: true }));
    await instance.recycle();
    await expectClean();
  });

  it('also of what an earlier core had started', async () => {
    await instance.channel.spawn(1, processSpec(['sleep', '1000']));
    await instance.channel.spawn(2, processSpec(['true']));
    const { channel } = instance;
    await instance.recycle();
    expect(channel.known).toEqual([]);
    await expectClean();
  });

  it('can be repeated', async () => {
    for (let round = 0; round < 10; round++) {
      await instance.channel.spawn(1, sh('sleep 1000 & sleep 1000'));
      await instance.recycle();
      await instance.claim();
    }
    await instance.recycle();
    await expectClean();
  });
});
