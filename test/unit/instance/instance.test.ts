import { beforeEach, describe, expect, it } from 'vitest';
import { adoptInstance, bootInstance } from '../../../src/core/instance/boot-instance.ts';
import type { Instance, InstanceState } from '../../../src/core/instance/instance.ts';
import { instanceTransition, instanceTransitions } from '../../../src/core/instance/transitions.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import { defaultResources, type Shape } from '../../../src/core/model/sandbox/shape.ts';
import { createManualClock, type ManualClock, settle } from '../../helpers/manual-clock.ts';
import { createFakeDriver, type FakeDriver } from '../../helpers/pool/fake-driver.ts';

const shape: Shape = {
  image: 'host',
  runtime: 'fake',
  resources: defaultResources,
  network: 'none',
  mounts: [],
};

let clock: ManualClock;
let fake: FakeDriver;

beforeEach(() => {
  clock = createManualClock();
  fake = createFakeDriver({ clock });
});

const request = (id = newInstanceId()) => ({ id, shape, root: { overlays: [] } });
const boot = (signal?: AbortSignal): Promise<Instance> =>
  bootInstance(fake.driver, fake.openChannel, request(), { clock, signal });

describe('the transition table', () => {
  const allowed: [InstanceState, InstanceState][] = [
    ['booting', 'idle'],
    ['booting', 'stopping'],
    ['idle', 'claimed'],
    ['idle', 'paused'],
    ['idle', 'stopping'],
    ['paused', 'idle'],
    ['paused', 'claimed'],
    ['paused', 'stopping'],
    ['claimed', 'idle'],
    ['claimed', 'suspended'],
    ['claimed', 'stopping'],
    ['suspended', 'claimed'],
    ['suspended', 'stopping'],
    ['stopping', 'dead'],
  ];
  const states = Object.keys(instanceTransitions) as InstanceState[];

  it('allows the documented steps and no other', () => {
    for (const from of states)
      for (const to of states) {
        const step = () => instanceTransition('i1', from, to);
        if (allowed.some(([a, b]) => a === from && b === to)) expect(step()).toBe(to);
        else expect(step).toThrow(expect.objectContaining({ code: 'conflict' }));
      }
  });
});

describe('life of an instance', () => {
  it('boots to idle, is claimed once, and ends dead with nothing left', async () => {
    const instance = await boot();
    expect(instance.state).toBe('idle');
    await instance.claim();
    expect(instance.state).toBe('claimed');
    await expect(instance.claim()).rejects.toMatchObject({ code: 'conflict' });
    await instance.destroy('test is over');
    expect(instance.state).toBe('dead');
    expect(fake.counts.live).toBe(0);
  });

  it('pauses once however often it is asked, and a claim resumes it', async () => {
    const instance = await boot();
    await Promise.all([instance.pause(), instance.pause()]);
    expect(instance.state).toBe('paused');
    expect(fake.callsOf('pause')).toHaveLength(1);
    await instance.claim();
    expect(instance.state).toBe('claimed');
    expect(fake.counts.paused).toBe(0);
  });

  it('resumes once however often it is asked', async () => {
    const instance = await boot();
    await instance.pause();
    await Promise.all([instance.resume(), instance.resume()]);
    expect(instance.state).toBe('idle');
    expect(fake.callsOf('resume')).toHaveLength(1);
  });

  it('is suspended in the middle of its work, and goes on with it', async () => {
    const instance = await boot();
    await expect(instance.suspend()).rejects.toMatchObject({ code: 'conflict' });
    await instance.claim();
    await Promise.all([instance.suspend(), instance.suspend()]);
    expect(instance.state).toBe('suspended');
    expect(fake.counts.paused).toBe(1);
    await Promise.all([instance.wake(), instance.wake()]);
    expect(instance.state).toBe('claimed');
    expect(fake.callsOf('pause')).toHaveLength(1);
    expect(fake.callsOf('resume')).toHaveLength(1);
  });

  it('goes on with its work when it cannot be suspended', async () => {
    fake.script('pause', { fail: 'no freezer' });
    const instance = await boot();
    await instance.claim();
    await expect(instance.suspend()).rejects.toThrow('no freezer');
    expect(instance.state).toBe('claimed');
    expect(fake.callsOf('resume')).toHaveLength(1);
    await instance.channel.ping(100);
  });

  it('can be destroyed while it is suspended', async () => {
    const instance = await boot();
    await instance.claim();
    await instance.suspend();
    await instance.destroy('test is over');
    expect(fake.counts.live).toBe(0);
  });

  it('runs one mutating call at a time', async () => {
    fake.script('pause', { delay: 10 });
    const instance = await boot();
    const paused = instance.pause();
    const claimed = instance.claim();
    await settle();
    expect(fake.callsOf('resume')).toHaveLength(0);
    await clock.advance(10);
    await Promise.all([paused, claimed]);
    expect(fake.calls.map(({ call }) => call)).toEqual(['boot', 'connect', 'pause', 'resume']);
  });

  it('refuses to pause a claimed one', async () => {
    const instance = await boot();
    await instance.claim();
    await expect(instance.pause()).rejects.toMatchObject({ code: 'conflict' });
    expect(instance.state).toBe('claimed');
  });
});

const process = { argv: ['x'], env: {}, cwd: '', user: '', tty: false, stdin: false };

describe('a process in it', () => {
  // A kill, the end of its main command, a reset: whoever ran it knows which, and this is right for all of them.
  it('is told that its sandbox has ended, whatever ended that', async () => {
    const instance = await boot();
    await instance.claim();
    const running = await instance.channel.spawn(1, process);
    const told = expect(running.exited).rejects.toMatchObject({
      code: 'run_failed',
      message: 'its sandbox has ended',
    });
    await instance.destroy('killed');
    await told;
  });
});

describe('recycling', () => {
  it('kills what runs, proves that only PID 1 is left, and makes it idle anew', async () => {
    const instance = await boot();
    await instance.claim();
    const running = await instance.channel.spawn(1, process);
    await clock.advance(5);
    await instance.recycle();
    expect(await running.exited).toEqual({ code: null, signal: 9 });
    expect(instance).toMatchObject({ state: 'idle' });
    expect(fake.calls.map(({ call }) => call)).toEqual(
      expect.arrayContaining(['run', 'scrub', 'stats', 'ping']),
    );
    await instance.claim();
    await expect(instance.channel.spawn(1, process)).resolves.toBeDefined();
  });

  it('waits for a killed process that takes its time to end', async () => {
    const instance = await boot();
    await instance.claim();
    fake.script('stats', { pids: 3 }, { pids: 2 });
    const recycled = instance.recycle();
    await clock.advance(3);
    await recycled;
    expect(instance.state).toBe('idle');
    expect(fake.callsOf('scrub')).toHaveLength(3);
  });

  it.each([
    ['something survives SIGKILL', 'stats', { pids: 2 }, /1 processes are left|scrub.*took longer/],
    ['the count is unknown', 'stats', { pids: 0 }, /cannot be counted|scrub.*took longer/],
    ['nobody can count', 'stats', { fail: 'no cgroup' }, /no cgroup/],
    ['the count hangs', 'stats', { hang: true }, /took longer/],
    ['PID 1 is silent', 'ping', { hang: true }, /took longer/],
    ['the guest is lost', 'scrub', { fail: 'the channel is lost' }, /channel is lost/],
  ] as const)('destroys it when %s', async (_, call, step, message) => {
    const instance = await boot();
    await instance.claim();
    fake.always(call, step);
    const recycled = instance.recycle();
    recycled.catch(() => undefined);
    await clock.advance(6_000);
    await expect(recycled).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringMatching(message),
    });
    await instance.destroy('again');
    expect(instance.state).toBe('dead');
    expect(fake.counts.live).toBe(0);
    await clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });

  it.each(['idle', 'paused'] as const)('is only for a claimed one, not one that is %s', async (state) => {
    const instance = await boot();
    if (state === 'paused') await instance.pause();
    await expect(instance.recycle()).rejects.toMatchObject({ code: 'conflict' });
    expect(instance.state).toBe(state);
  });

  it('fails for one that was lost, with the cause', async () => {
    const instance = await boot();
    await instance.claim();
    fake.killInstance(instance.id);
    await instance.failed;
    await expect(instance.recycle()).rejects.toThrow(/lost/);
  });
});

describe('failure', () => {
  it.each(['pause', 'resume'] as const)(
    'a failing %s destroys it and every later call tells why',
    async (call) => {
      fake.script(call, { fail: 'freezer broke' });
      const instance = await boot();
      if (call === 'resume') await instance.pause();
      await expect(instance[call]()).rejects.toMatchObject({
        code: 'run_failed',
        message: expect.stringMatching(/freezer broke/),
      });
      expect((await instance.failed).message).toMatch(/freezer broke/);
      await instance.destroy('again');
      expect(instance.state).toBe('dead');
      expect(fake.counts.live).toBe(0);
      await expect(instance.claim()).rejects.toThrow(/freezer broke/);
      await expect(instance.stats()).rejects.toThrow(/freezer broke/);
    },
  );

  it('a pause that never ends is given up', async () => {
    fake.script('pause', { hang: true });
    const instance = await boot();
    const paused = instance.pause();
    paused.catch(() => undefined);
    await clock.advance(10_000);
    await expect(paused).rejects.toMatchObject({ code: 'run_failed' });
    await instance.destroy('again');
    expect(fake.counts.live).toBe(0);
  });

  it('tells when the guest is lost, and stays to be destroyed', async () => {
    const instance = await boot();
    fake.killInstance(instance.id);
    expect((await instance.failed).message).toMatch(/lost/);
    expect(instance.state).toBe('idle');
    await expect(instance.claim()).rejects.toThrow(/lost/);
    expect(fake.counts.live).toBe(1);
    await instance.destroy('it was lost');
    expect(fake.counts.live).toBe(0);
    await expect(instance.claim()).rejects.toThrow(/lost/);
  });

  it('destroy is one call for all; after a failure the next call tries again', async () => {
    fake.script('destroy', { fail: 'mount is busy' });
    const instance = await boot();
    const first = instance.destroy('one');
    expect(instance.destroy('two')).toBe(first);
    expect(instance.state).toBe('stopping');
    await expect(first).rejects.toThrow(/mount is busy/);
    expect(instance.state).toBe('stopping');
    await instance.destroy('again');
    expect(instance.state).toBe('dead');
    expect(fake.counts.live).toBe(0);
  });

  it('destroy is bounded when the driver hangs', async () => {
    fake.script('kill', { hang: true });
    fake.script('destroy', { hang: true });
    const instance = await boot();
    const destroyed = instance.destroy('test');
    destroyed.catch(() => undefined);
    await clock.advance(60_000);
    await expect(destroyed).rejects.toMatchObject({ code: 'timeout' });
    expect(instance.state).toBe('stopping');
  });

  it('destroy overtakes a pause that hangs', async () => {
    fake.script('pause', { hang: true });
    const instance = await boot();
    const paused = instance.pause();
    paused.catch(() => undefined);
    const destroyed = instance.destroy('wanted');
    await clock.advance(1_000);
    await destroyed;
    expect(fake.counts.live).toBe(0);
    await clock.advance(60_000);
    await expect(paused).rejects.toThrow();
    expect(clock.pending).toBe(0);
  });

  it('kill resolves when the guest is gone', async () => {
    const instance = await boot();
    await instance.kill();
    await instance.kill();
    expect((await instance.failed).message).toMatch(/killed/);
    await instance.destroy('done');
    await instance.kill();
  });
});

describe('boot', () => {
  it('leaves nothing behind when there is no handshake', async () => {
    fake.script('connect', { fail: 'no guest' });
    await expect(boot()).rejects.toThrow(/no guest/);
    expect(fake.counts.live).toBe(0);
  });

  it('leaves nothing behind when it is aborted, wherever it was', async () => {
    for (const call of ['boot', 'connect'] as const) {
      fake.script(call, { hang: true });
      const abort = new AbortController();
      const booted = boot(abort.signal);
      booted.catch(() => undefined);
      await settle();
      abort.abort();
      await expect(booted).rejects.toMatchObject({ code: 'cancelled' });
      expect(fake.counts).toMatchObject({ live: 0, booting: 0 });
    }
  });

  it('does not wait for ever for a driver that is deaf to the abort, and removes what it boots late', async () => {
    let finish = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      finish = resolve;
    });
    fake.script('boot', { until, deaf: true });
    const abort = new AbortController();
    const booted = boot(abort.signal);
    booted.catch(() => undefined);
    abort.abort();
    await clock.advance(10_000);
    await expect(booted).rejects.toMatchObject({ code: 'cancelled' });
    finish();
    await settle();
    expect(fake.counts).toMatchObject({ live: 0, booting: 0 });
  });

  it('does not start when it is already aborted', async () => {
    await expect(boot(AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    expect(fake.calls).toHaveLength(0);
  });
});

describe('detach and adopt', () => {
  it('lets go without touching the instance, and another core takes it up', async () => {
    const first = await boot();
    await first.claim();
    await first.detach();
    await first.detach();
    await expect(first.stats()).rejects.toMatchObject({ code: 'unavailable' });
    const [found] = await fake.driver.list();
    const second = await adoptInstance(fake.driver, fake.openChannel, found!, shape, 'claimed', { clock });
    expect(second.state).toBe('claimed');
    expect(second.pid).toBe(first.pid);
    expect(fake.callsOf('destroy')).toHaveLength(0);
    await second.destroy('done');
  });

  it('leaves the instance alone when it cannot be adopted', async () => {
    const first = await boot();
    await first.detach();
    const [found] = await fake.driver.list();
    fake.script('connect', { fail: 'refused' });
    const adopted = adoptInstance(fake.driver, fake.openChannel, found!, shape, 'idle', { clock });
    await expect(adopted).rejects.toThrow(/refused/);
    expect(fake.counts.live).toBe(1);
  });
});
