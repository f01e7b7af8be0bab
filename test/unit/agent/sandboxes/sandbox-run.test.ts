import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { SlotEnd, SlotRecord } from '../../../../src/core/agent/ledger/records.ts';
import type { GiveBackOptions } from '../../../../src/core/agent/pools/held-instance.ts';
import { SandboxRun } from '../../../../src/core/agent/sandboxes/sandbox-run.ts';
import type { Instance } from '../../../../src/core/instance/instance.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { failure } from '../../../helpers/core/controller-world.ts';
import { memoryLog, scriptedMain } from '../../../helpers/core/scripted-main.ts';
import { processSpec } from '../../../helpers/guest/process-spec.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const FULL = new Error('the disk is full');
const resources = { cpus: 1, memory: 1 << 27, pids: 100 };
const graceOf = (grace: number) => ({ grace, keepFiles: true });
const KILLED = { code: null, signal: 9 };

function world(known: { id: number; running: boolean }[] = [], slot: Partial<SlotRecord> = {}) {
  const clock = createManualClock();
  const main = scriptedMain();
  const exec = scriptedMain();
  const log = memoryLog();
  const complaints: string[] = [];
  const logger = pino(
    { level: 'error' },
    { write: (line: string) => void complaints.push(JSON.parse(line).msg) },
  );
  const state = {
    oomKills: 0,
    /** Bytes that the pool can give it, and those that it counts for. */
    room: Number.POSITIVE_INFINITY,
    counted: resources.memory,
    recordFails: false,
    controlFails: false,
    released: false,
    destroyed: false,
    filesFor: '' as string | undefined,
    ended: false,
  };
  const steps: string[] = [];
  /** As they were recorded, one after the other. */
  const slots: SlotRecord[] = [];
  const recorded: SlotEnd[] = [];
  const unrecorded: SlotEnd[] = [];
  const instance = {
    id: 'i',
    channel: {
      known,
      spawn: async () => exec.session,
      signalAll: (signal: number) => void steps.push(`signal ${signal} to all`),
    },
    stats: async () => ({ oomKills: state.oomKills }),
    kill: () => new Promise<void>(() => {}),
    detach: async () => main.end(),
    shape: { resources },
    async suspend() {
      steps.push('suspend');
      if (state.controlFails) throw new Error('no freezer');
    },
    async wake() {
      steps.push('wake');
    },
    async update() {
      steps.push('update');
      if (state.controlFails) throw new Error('below the use');
    },
  } as unknown as Instance;
  const start = (): SandboxRun => {
    const run = new SandboxRun({
      sandboxId: 's',
      slot: { process: processSpec(['main']), ...slot } as SlotRecord,
      held: {
        instance,
        async giveBack({ destroy = false, filesFor }: GiveBackOptions = {}) {
          Object.assign(state, { released: true, destroyed: destroy, filesFor });
        },
        resize(memory) {
          if (memory > state.room) throw new FsbError('no_capacity', 'the pool is full');
          state.counted = memory;
        },
      },
      main: main.session,
      log: log.writer,
      clock,
      logger,
      async record(changed) {
        if (state.recordFails) throw FULL;
        slots.push(changed);
        if (changed.end) recorded.push(changed.end);
        else steps.push(changed.paused ? 'recorded paused' : 'recorded running');
      },
      unrecorded: (end) => void unrecorded.push(end),
    });
    void run.ended.then(() => {
      state.ended = true;
    });
    return run;
  };
  const finish = (status = { code: 0, signal: null } as Parameters<typeof main.exit>[0]): void => {
    main.exit(status);
    main.end();
  };
  return {
    clock,
    main,
    exec,
    log,
    complaints,
    instance,
    state,
    slots,
    recorded,
    unrecorded,
    steps,
    start,
    finish,
  };
}

describe('the end', () => {
  it('is not before the last line of the log', async () => {
    const { clock, main, log, start, recorded } = world();
    const run = start();
    main.exit({ code: 0, signal: null });
    await clock.advance(3);
    main.write('late');
    log.time = clock.now();
    main.end();
    await run.ended;
    expect(recorded).toMatchObject([{ kind: 'exited', at: log.time }]);
  });

  it('is when the process ended, where what it said was there by then', async () => {
    const { clock, main, log, start, recorded } = world();
    const run = start();
    main.write('early');
    log.time = clock.now();
    await clock.advance(3);
    const at = clock.now();
    main.exit({ code: 0, signal: null });
    await clock.advance(3);
    main.end();
    await run.ended;
    expect(recorded).toMatchObject([{ at }]);
  });
});

describe('while the disk is full', () => {
  it('holds the output back for a while, and goes on where it was', async () => {
    const { clock, main, log, complaints, start, finish, recorded } = world();
    const run = start();
    log.full = true;
    for (const text of ['a', 'b', 'c']) main.write(text);
    await clock.advance(9_000);
    expect(log.tries).toBe(4);
    expect(main.waiting()).toBe(2);
    log.full = false;
    await clock.advance(1_000);
    expect(log.lines).toEqual(['a', 'b', 'c']);
    finish();
    await run.ended;
    expect(recorded).toHaveLength(1);
    expect(log.ended).toBe(true);
    expect(complaints).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('lets the process go on after that, and logs again what comes when there is room', async () => {
    const { clock, main, log, complaints, start, finish } = world();
    const run = start();
    log.full = true;
    for (const text of ['a', 'b', 'c']) main.write(text);
    await clock.advance(11_000);
    expect(main.waiting()).toBe(0);
    const { tries } = log;
    for (let n = 0; n < 1000; n++) main.write('x');
    await clock.advance(0);
    expect(main.waiting()).toBe(0);
    expect(log.tries - tries).toBeLessThanOrEqual(1);
    log.full = false;
    await clock.advance(1_000);
    main.write('y');
    main.write('z');
    finish();
    await run.ended;
    expect(log.lines).toEqual(['y', 'z']);
    expect(log.ends).toEqual({ stdout: 1005, stderr: 0 });
    expect(complaints).toHaveLength(2);
    expect(complaints).toContain('output is missing in a log: it could not be written');
  });

  it('waits for a bounded time after the exit, and says what is missing', async () => {
    const { clock, main, log, complaints, state, start, finish } = world();
    start();
    log.full = true;
    for (const text of ['a', 'b']) main.write(text);
    await clock.advance(20_000);
    finish();
    await clock.advance(10_000);
    expect(state).toMatchObject({ ended: true, released: true });
    expect(complaints).toContain('output is missing in a log: it could not be written');
    expect(log.ended).toBe(false);
  });

  it('tells the guest to forget the process only when the end is recorded', async () => {
    const { clock, main, state, start, finish } = world();
    start();
    state.recordFails = true;
    finish();
    await clock.advance(60_000);
    expect(main.acknowledged()).toBe(false);
    expect(state.ended).toBe(false);
    state.recordFails = false;
    await clock.advance(30_000);
    expect(main.acknowledged()).toBe(true);
    expect(state).toMatchObject({ ended: true, released: true });
  });

  it('refuses a stop in a bounded time, ends all that is left in it, and ends when that can be recorded', async () => {
    const { clock, main, state, steps, recorded, start, finish } = world();
    const run = start();
    state.recordFails = true;
    finish();
    await clock.advance(60_000);
    for (const _ of [1, 2]) {
      steps.length = 0;
      const stopping = failure(run.stop(graceOf(0)));
      await clock.advance(10_000);
      expect((await stopping).message).toContain(`cannot be recorded: ${FULL.message}`);
      expect(steps).toEqual(['signal 9 to all']);
      expect(main.acknowledged()).toBe(false);
      expect(state).toMatchObject({ ended: false, released: false });
    }
    state.recordFails = false;
    await run.stop(graceOf(0));
    await run.gone;
    expect(recorded).toHaveLength(1);
    expect(main.acknowledged()).toBe(true);
    expect(state).toMatchObject({ ended: true, released: true });
    expect(clock.pending).toBe(0);
  });

  it('lets a deletion go on, also one that comes after a stop', async () => {
    const { clock, main, state, unrecorded, start, finish } = world();
    const run = start();
    state.recordFails = true;
    finish();
    const stopping = run.stop(graceOf(0));
    await clock.advance(1_000);
    await Promise.all([stopping, run.stop({ grace: 0, keepFiles: false })]);
    await run.gone;
    expect(main.acknowledged()).toBe(false);
    expect(unrecorded).toMatchObject([{ kind: 'exited' }]);
    expect(state).toMatchObject({ ended: true, released: true, filesFor: undefined });
    expect(clock.pending).toBe(0);
  });

  it('lets a core that stops leave, without an acknowledgement', async () => {
    const left = world();
    const other = left.start();
    left.log.full = true;
    left.main.write('a');
    await left.clock.advance(10_000);
    left.finish();
    await other.detach();
    expect([left.recorded, left.unrecorded]).toEqual([[], []]);
    expect(left.log.ended).toBe(false);
    expect(left.clock.pending).toBe(0);
  });

  it('ends although its log cannot be closed', async () => {
    const { log, start, finish } = world();
    log.writer.close = async () => Promise.reject(FULL);
    finish();
    expect(await start().ended).toMatchObject({ kind: 'exited' });
  });
});

describe('lack of memory', () => {
  it('is the verdict on a main process that was killed while the count rose', async () => {
    const { state, start, finish } = world();
    const run = start();
    state.oomKills = 1;
    finish(KILLED);
    expect(await run.ended).toMatchObject({ status: { signal: 9, oomKilled: true } });
  });

  it('of an exec is no verdict on the main process', async () => {
    const { clock, exec, state, start, finish } = world();
    const run = start();
    await run.execs.start({ argv: ['hog'], env: {}, cwd: '', user: '', tty: false, stdin: false });
    state.oomKills = 1;
    exec.exit({ code: 137, signal: null });
    await clock.advance(0);
    finish(KILLED);
    expect(await run.ended).toMatchObject({ status: KILLED });
    expect((await run.ended) as object).not.toHaveProperty('status.oomKilled');
  });

  it('of whoever had the instance before is none either', async () => {
    const innocent = world([], { earlierKills: 2 });
    innocent.state.oomKills = 2;
    const run = innocent.start();
    innocent.finish(KILLED);
    expect((await run.ended) as object).not.toHaveProperty('status.oomKilled');

    const guilty = world([], { earlierKills: 2 });
    guilty.state.oomKills = 3;
    const other = guilty.start();
    guilty.finish(KILLED);
    expect(await other.ended).toMatchObject({ status: { oomKilled: true } });
  });

  it('before a new core came is none either, nor is a kill that was asked for', async () => {
    const adopted = world([{ id: 1, running: true }]);
    adopted.state.oomKills = 2;
    const run = adopted.start();
    await adopted.clock.advance(0);
    adopted.finish(KILLED);
    expect((await run.ended) as object).not.toHaveProperty('status.oomKilled');

    const stopped = world();
    const other = stopped.start();
    stopped.state.oomKills = 1;
    const stopping = other.stop(graceOf(0));
    stopped.finish(KILLED);
    await stopping;
    expect((await other.ended) as object).not.toHaveProperty('status.oomKilled');
  });
});

describe('stop', () => {
  it('is bounded when nothing kills the sandbox', async () => {
    const { clock, main, state, recorded, start } = world();
    const stopping = start().stop(graceOf(5_000));
    await clock.advance(5_000);
    expect(main.signals).toEqual([15, 9]);
    await clock.advance(11_000);
    await stopping;
    expect(recorded).toMatchObject([{ kind: 'lost', reason: expect.stringContaining('killing instance') }]);
    expect(state.released).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('begins with the stop signal that is on record', async () => {
    const { clock, main, start, finish } = world([], { stopSignal: 3 });
    const stopping = start().stop(graceOf(5_000));
    await clock.advance(5_000);
    expect(main.signals).toEqual([3, 9]);
    finish(KILLED);
    await stopping;
  });

  it('is bounded when the runtime refuses to kill', async () => {
    const { clock, instance, state, start } = world();
    instance.kill = async () => Promise.reject(new Error('no such container'));
    const stopping = start().stop(graceOf(0));
    await clock.advance(1_000);
    await stopping;
    expect(state.released).toBe(true);
  });

  it('with a shorter grace hurries a patient one, with a longer one does not delay it', async () => {
    const { clock, main, start, finish } = world();
    const run = start();
    const stops = [60_000, 2_000, 30_000].map((grace) => run.stop(graceOf(grace)));
    await clock.advance(1_999);
    expect(main.signals).toEqual([15]);
    await clock.advance(1);
    expect(main.signals).toEqual([15, 9]);
    finish(KILLED);
    await Promise.all(stops);
    expect(clock.pending).toBe(0);
  });
});

describe('a pause', () => {
  it('is on record before anything is frozen, and until everything goes on', async () => {
    const { steps, start, finish } = world();
    const run = start();
    await run.changes.pause();
    expect(run.slot.paused).toBe(true);
    await run.changes.unpause();
    expect(run.slot.paused).toBeUndefined();
    expect(steps).toEqual(['recorded paused', 'suspend', 'wake', 'recorded running']);
    finish();
    await run.gone;
  });

  it('that fails leaves it running, and says so on record', async () => {
    const { state, steps, start, finish } = world();
    const run = start();
    state.controlFails = true;
    await expect(run.changes.pause()).rejects.toThrow('no freezer');
    expect(run.slot.paused).toBeUndefined();
    expect(steps).toEqual(['recorded paused', 'suspend', 'recorded running']);
    finish();
    await run.gone;
  });

  it('stays when its end cannot be recorded, for everything in it as well', async () => {
    const { state, steps, start, finish } = world();
    const run = start();
    await run.changes.pause();
    steps.length = 0;
    state.recordFails = true;
    await expect(run.changes.unpause()).rejects.toThrow(FULL);
    expect(steps).toEqual(['wake', 'suspend']);
    expect(run.slot.paused).toBe(true);
    state.recordFails = false;
    await run.changes.unpause();
    expect(steps.slice(2)).toEqual(['wake', 'recorded running']);
    finish();
    await run.gone;
  });

  it('keeps no stop and no kill from arriving', async () => {
    const { main, steps, start, finish } = world();
    const run = start();
    await run.changes.pause();
    const stopping = run.stop(graceOf(5_000));
    expect(main.signals).toEqual([15]);
    expect(steps.at(-1)).toBe('wake');
    finish({ code: null, signal: 15 });
    await stopping;
    expect(run.slot).toMatchObject({ end: { kind: 'exited' } });
    expect(run.slot.paused).toBeUndefined();
  });

  it('of one that has ended meanwhile writes nothing: it may be forgotten', async () => {
    const { steps, start, finish } = world();
    const run = start();
    finish();
    await run.gone;
    steps.length = 0;
    await run.changes.pause();
    expect(steps).toEqual(['suspend']);
  });
});

describe('new limits', () => {
  const given = { resources, labels: {}, exposed_ports: [] };
  const more = { ...resources, memory: 1 << 28 };

  it('make its instance no good for another holder', async () => {
    const { state, start, finish } = world([], { given });
    const run = start();
    await run.changes.resize(more);
    expect(run.slot.given?.resources).toEqual(more);
    expect(state.counted).toBe(more.memory);
    finish();
    await run.gone;
    expect(state.destroyed).toBe(true);
  });

  it('that the kernel refuses change nothing', async () => {
    const { state, start, finish } = world([], { given });
    const run = start();
    state.controlFails = true;
    await expect(run.changes.resize(more)).rejects.toThrow('below the use');
    expect(run.slot.given).toEqual(given);
    expect(state.counted).toBe(resources.memory);
    finish();
    await run.gone;
    expect(state.destroyed).toBe(false);
  });

  it('that the kernel refuses change nothing where the record of that must wait for room, and the reason is its', async () => {
    const { clock, state, instance, slots, start, finish } = world([], { given });
    const run = start();
    state.controlFails = true;
    const { update } = instance;
    instance.update = (limits) => {
      state.recordFails = true;
      return update(limits);
    };
    await expect(run.changes.resize(more)).rejects.toThrow('below the use');
    expect(run.slot.given).toEqual(given);
    expect(slots.at(-1)?.given?.resources).toEqual(more);
    state.recordFails = false;
    await clock.advance(2_000);
    expect(slots.at(-1)?.given).toEqual(given);
    finish();
    await run.gone;
    expect(clock.pending).toBe(0);
  });
});

it('gets no more memory than its pool has room for', async () => {
  const given = { resources, labels: {}, exposed_ports: [] };
  const { state, steps, start, finish } = world([], { given });
  const run = start();
  state.room = 2 * resources.memory;
  const more = { ...resources, memory: 3 * resources.memory };
  await expect(run.changes.resize(more)).rejects.toMatchObject({ code: 'no_capacity' });
  expect([run.slot.given, steps]).toEqual([given, []]);
  const less = { ...resources, memory: resources.memory / 2 };
  await run.changes.resize(less);
  expect(state.counted).toBe(less.memory);
  finish();
  await run.gone;
});

describe('its files', () => {
  it.each([
    ['stay when it ends by itself', undefined, 's'],
    ['stay when it is stopped', { grace: 5_000, keepFiles: true }, 's'],
    ['go when it is deleted', { grace: 5_000, keepFiles: false }, undefined],
  ])('%s', async (_, stop, filesFor) => {
    const { state, start, finish } = world();
    const run = start();
    if (stop !== undefined) void run.stop(stop);
    finish();
    await run.gone;
    expect(state.filesFor).toBe(filesFor);
  });

  it('go when one of several who end it does not want them', async () => {
    const { state, start, finish } = world();
    const run = start();
    void run.stop({ grace: 5_000, keepFiles: false });
    void run.stop({ grace: 1_000, keepFiles: true });
    finish();
    await run.gone;
    expect(state.filesFor).toBeUndefined();
  });
});

describe('output that never comes', () => {
  it('keeps nobody from deleting a sandbox that has ended', async () => {
    const { clock, main, log, state, start } = world();
    const run = start();
    main.write('a');
    main.exit();
    await clock.advance(60_000);
    expect(state.ended).toBe(false);
    const stopped = run.stop({ grace: 0, keepFiles: false });
    await clock.advance(5_000);
    await stopped;
    await run.gone;
    expect(log.lines).toEqual(['a']);
    expect(log.ended).toBe(true);
    expect(state.released).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is waited for where the guest is frozen, until somebody wants the sandbox gone', async () => {
    const { clock, main, steps, start } = world([], { paused: true });
    const run = start();
    main.exit();
    await clock.advance(60_000);
    const stopped = run.stop({ grace: 10_000, keepFiles: true });
    await clock.advance(1);
    expect(steps).toContain('wake');
    main.end();
    await stopped;
  });
});
