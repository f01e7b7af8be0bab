import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { ProcessSession } from '../../../../src/core/model/process.ts';
import { command, type NodeWorld, openNodeWorld, settle } from '../../../helpers/core/node-world.ts';

const errorOf = (call: Promise<unknown>): Promise<FsbError> =>
  call.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => FsbError.from(error),
  );

const pool = 'default-pool';
const exec = command('job');
const claimed = async ({ admin }: NodeWorld): Promise<number> => (await admin.get(pool)).claimed;

/** Reads to the end, as a caller does. */
async function textOf(session: ProcessSession): Promise<string> {
  let text = '';
  for await (const { data } of session.output) text += data;
  return text;
}

describe('a one-shot run', () => {
  it('delivers the output and the status, and leaves nothing', async () => {
    const world = await openNodeWorld();
    world.fake.script('run', { exit: { code: 3, stderr: 'hello' } });
    const session = await world.runs.run({ pool, exec });
    const [held] = (await world.admin.get(pool)).instances.filter(({ holder }) => holder === 'run');
    expect(world.ledger.get(held!.id)!.use).toEqual({ by: 'run' });
    expect(await textOf(session)).toBe('hello');
    expect(await session.exited).toEqual({ code: 3, signal: null });
    await settle();
    expect(await claimed(world)).toBe(0);
    expect(world.fake.instances).not.toContain(held!.id);
    await session.close();
  });

  it('keeps its instance until its output was delivered, although it has ended', async () => {
    const world = await openNodeWorld();
    world.fake.script('run', { exit: { code: 0, stderr: 'hello' } });
    const session = await world.runs.run({ pool, exec });
    await session.exited;
    await settle();
    const reader = session.output[Symbol.asyncIterator]();
    await reader.next();
    await settle();
    expect(await claimed(world)).toBe(1);
    expect((await reader.next()).done).toBe(true);
    await settle();
    expect(await claimed(world)).toBe(0);
  });

  it('tells that it ran out of memory, before its instance goes', async () => {
    const world = await openNodeWorld();
    world.fake.always('stats', { oomKills: 1 });
    world.fake.script('run', { exit: { signal: 9 } });
    const session = await world.runs.run({ pool, exec });
    await textOf(session);
    expect(await session.exited).toEqual({ code: null, signal: 9, oomKilled: true });
    await settle();
    expect(await claimed(world)).toBe(0);
  });

  it('tells the status before the teardown is even begun', async () => {
    const world = await openNodeWorld();
    world.fake.script('run', { exit: { code: 0 } });
    const session = await world.runs.run({ pool, exec });
    await textOf(session);
    await session.exited;
    expect(await claimed(world)).toBe(1);
    await settle();
    expect(await claimed(world)).toBe(0);
  });

  it.each(['close', 'return', 'abort'])('is killed when its caller leaves: %s', async (how) => {
    const world = await openNodeWorld();
    const leaving = new AbortController();
    const session = await world.runs.run({ pool, exec }, { signal: leaving.signal });
    const [held] = (await world.admin.get(pool)).instances.filter(({ holder }) => holder === 'run');
    session.exited.catch(() => {});
    if (how === 'close') await session.close();
    if (how === 'return') await session.output[Symbol.asyncIterator]().return?.();
    if (how === 'abort') leaving.abort();
    await settle();
    expect(await claimed(world)).toBe(0);
    expect(world.fake.instances).not.toContain(held!.id);
  });

  it('gives back what it claimed when its caller left meanwhile', async () => {
    const world = await openNodeWorld();
    const leaving = new AbortController();
    const running = errorOf(world.runs.run({ pool, exec }, { signal: leaving.signal }));
    leaving.abort();
    expect((await running).code).toBe('cancelled');
    await settle();
    expect(await claimed(world)).toBe(0);
  });

  it('is given back when its instance is lost, also when nobody reads', async () => {
    const world = await openNodeWorld();
    const session = await world.runs.run({ pool, exec });
    const [held] = (await world.admin.get(pool)).instances.filter(({ holder }) => holder === 'run');
    world.fake.killInstance(held!.id);
    expect((await errorOf(session.exited)).code).toBe('run_failed');
    await settle();
    expect(await claimed(world)).toBe(0);
  });

  it('is not held up by its record; without one, nobody has the instance after it', async () => {
    const world = await openNodeWorld();
    await world.admin.update(pool, { policy: { reuse: 'sticky' } });
    const { put } = world.tables.instances;
    world.tables.instances.put = async () => {
      throw new FsbError('no_capacity', 'the disk is full');
    };
    world.fake.script('run', { exit: { code: 3 } });
    const session = await world.runs.run({ pool, exec });
    const [held] = (await world.admin.get(pool)).instances.filter(({ holder }) => holder === 'run');
    await textOf(session);
    expect(await session.exited).toEqual({ code: 3, signal: null });
    world.tables.instances.put = put;
    await settle();
    expect(await claimed(world)).toBe(0);
    expect(world.fake.instances).not.toContain(held!.id);
  });

  it.each([
    [{ pool: 'nosuch', exec }, 'not_found'],
    [{ pool, image: 'gone', exec }, 'not_found'],
    [{ pool, exec: { ...exec, detach: true } }, 'invalid_argument'],
    [{ pool, onEmpty: 'fail' as const, resources: { memory: '33m' }, exec }, 'no_capacity'],
  ])('is refused: %j', async (request, code) => {
    const world = await openNodeWorld();
    expect((await errorOf(world.runs.run(request))).code).toBe(code);
    expect(await claimed(world)).toBe(0);
  });

  it('ends with the core, and none begins after that', async () => {
    const world = await openNodeWorld();
    const session = await world.runs.run({ pool, exec });
    session.exited.catch(() => {});
    await world.runs.close();
    expect(await claimed(world)).toBe(0);
    expect((await errorOf(world.runs.run({ pool, exec }))).code).toBe('unavailable');
    await settle();
    expect(await claimed(world)).toBe(0);
  });

  it('ends by force when its pool is drained', async () => {
    const world = await openNodeWorld();
    const session = await world.runs.run({ pool, exec });
    session.exited.catch(() => {});
    const draining = world.admin.drain(pool, { timeout: 10, force: true });
    await world.clock.advance(10);
    expect(await draining).toMatchObject({ claimed: 0, state: 'drained' });
  });
});
