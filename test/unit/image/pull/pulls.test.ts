import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { PullEvent } from '../../../../src/core/model/image/pull.ts';
import { layer, readAll, result, scriptedPulls } from '../../../helpers/image/scripted-pull.ts';
import { settle } from '../../../helpers/manual-clock.ts';

const resolvedWith = (...layers: ReturnType<typeof layer>[]): PullEvent => ({
  ...{ kind: 'resolved', reference: 'docker.io/library/a:latest', digest: 'sha256:top', layers },
});
const done: PullEvent = { kind: 'done', reference: 'docker.io/library/a:latest', ...result };

describe('who shares a pull', () => {
  it('all who ask for the same image, however they write it; other images and platforms have their own', async () => {
    const { pull, begun } = scriptedPulls();
    const readers = [pull('a'), pull('a:latest'), pull('docker.io/library/a')].map(readAll);
    const others = [readAll(pull('b')), readAll(pull('a', undefined, 'arm64'))];
    await settle();
    expect(begun).toHaveLength(3);
    for (const one of begun) one.succeed();
    expect(await Promise.all(readers)).toEqual([[done], [done], [done]]);
    await Promise.all(others);
  });

  it('one who comes later gets how things are by then', async () => {
    const { pull, begun } = scriptedPulls();
    const first = readAll(pull('a'));
    await settle();
    begun[0]!.report.resolved('sha256:top', [layer('x', 'waiting'), layer('y', 'present', 100)]);
    begun[0]!.report.layer(layer('x', 'downloading', 40));
    const second = readAll(pull('a'));
    await settle();
    begun[0]!.succeed();
    expect(await first).toEqual([
      resolvedWith(layer('x', 'waiting'), layer('y', 'present', 100)),
      { kind: 'layer', layer: layer('x', 'downloading', 40) },
      done,
    ]);
    expect(await second).toEqual([
      resolvedWith(layer('x', 'downloading', 40), layer('y', 'present', 100)),
      done,
    ]);
  });

  it('after the end the next one begins anew', async () => {
    const { pull, begun } = scriptedPulls();
    const first = readAll(pull('a'));
    await settle();
    begun[0]!.succeed();
    await first;
    const second = readAll(pull('a'));
    await settle();
    expect(begun).toHaveLength(2);
    begun[1]!.succeed();
    expect(await second).toEqual([done]);
  });

  it('one whom the registry may know better than the first asks again, as himself', async () => {
    const { pull, begun } = scriptedPulls();
    const stranger = readAll(pull('a'));
    await settle();
    const friends = [1, 2].map(() =>
      readAll(pull('a', undefined, 'amd64', { username: 'me', password: 'x' })),
    );
    await settle();
    const refused = new FsbError('unauthenticated', 'who are you?');
    begun[0]!.fail(refused);
    expect(await stranger).toEqual([refused]);
    await settle();
    expect(begun).toHaveLength(2);
    expect(begun[1]!.terms.credentials).toEqual({ username: 'me', password: 'x' });
    begun[1]!.succeed();
    expect(await Promise.all(friends)).toEqual([[done], [done]]);
  });

  it('what is no question of who asks fails for all, whoever they are', async () => {
    const { pull, begun } = scriptedPulls();
    const readers = [pull('a'), pull('a', undefined, 'amd64', { username: 'me', password: 'x' })].map(
      readAll,
    );
    await settle();
    const full = new FsbError('no_capacity', 'the disk is full');
    begun[0]!.fail(full);
    expect(await Promise.all(readers)).toEqual([[full], [full]]);
    expect(begun).toHaveLength(1);
  });

  it('a failure is told to all', async () => {
    const { pull, begun } = scriptedPulls();
    const readers = [readAll(pull('a')), readAll(pull('a'))];
    await settle();
    const failure = new FsbError('unavailable', 'cannot pull a: no');
    begun[0]!.fail(failure);
    expect(await Promise.all(readers)).toEqual([[failure], [failure]]);
  });
});

describe('who leaves', () => {
  it('takes nothing from the others; the last one ends the pull', async () => {
    const { pull, begun } = scriptedPulls();
    const [first, second] = [new AbortController(), new AbortController()];
    const readers = [readAll(pull('a', first.signal)), readAll(pull('a', second.signal))];
    await settle();
    first.abort();
    expect(await readers[0]).toMatchObject([{ code: 'cancelled' }]);
    expect(begun[0]!.signal.aborted).toBe(false);
    second.abort();
    expect(begun[0]!.signal.aborted).toBe(true);
    expect(await readers[1]).toMatchObject([{ code: 'cancelled' }]);
  });

  it('also by breaking off', async () => {
    const { pull, begun } = scriptedPulls();
    const events = pull('a');
    const first = events.next();
    await settle();
    begun[0]!.report.resolved('sha256:top', []);
    await first;
    await events.return(undefined);
    expect(begun[0]!.signal.aborted).toBe(true);
  });

  it('at once, also when it never asks for the next event', async () => {
    const { pull, begun } = scriptedPulls();
    const controller = new AbortController();
    const events = pull('a', controller.signal);
    const first = events.next();
    await settle();
    begun[0]!.report.resolved('sha256:top', []);
    await first;
    controller.abort();
    expect(begun[0]!.signal.aborted).toBe(true);
  });

  it('one who comes while the pull is being aborted waits for its end and begins anew', async () => {
    const { pull, begun } = scriptedPulls();
    const controller = new AbortController();
    const first = readAll(pull('a', controller.signal));
    await settle();
    controller.abort();
    const [second, third] = [readAll(pull('a')), readAll(pull('a'))];
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]!.fail(controller.signal.reason);
    await settle();
    expect(begun).toHaveLength(2);
    begun[1]!.succeed();
    expect([await second, await third]).toEqual([[done], [done]]);
    await first;
  });

  it('or never comes: an aborted call begins nothing', async () => {
    const { pull, begun } = scriptedPulls();
    expect(await readAll(pull('a', AbortSignal.abort()))).toMatchObject([{ code: 'cancelled' }]);
    expect(begun).toEqual([]);
  });
});

describe('a slow reader', () => {
  it('sees of each layer the last state only, and holds nobody back', async () => {
    const { pull, begun, clock } = scriptedPulls();
    const slow = pull('a');
    const first = slow.next();
    const fast = readAll(pull('a'));
    await settle();
    const { report } = begun[0]!;
    report.resolved('sha256:top', [layer('x', 'waiting'), layer('y', 'waiting')]);
    await first;
    for (let bytes = 0; bytes <= 100; bytes++) {
      report.layer(layer('x', 'downloading', bytes));
      report.layer(layer('y', 'downloading', bytes));
      await clock.advance(100);
    }
    report.layer(layer('x', 'done', 100));
    for (let retry = 1; retry <= 1000; retry++) report.note(`retry ${retry}`);
    begun[0]!.succeed();
    const late = await readAll(slow);
    expect(late.filter((event) => 'kind' in event && event.kind === 'note')).toHaveLength(20);
    expect(late.filter((event) => 'kind' in event && event.kind !== 'note')).toEqual([
      { kind: 'layer', layer: layer('y', 'downloading', 100) },
      { kind: 'layer', layer: layer('x', 'done', 100) },
      done,
    ]);
    expect((await fast).length).toBeGreaterThan(200);
  });

  it('is told of bytes ten times a second, of states at once, and in the end of the last bytes', async () => {
    const { pull, begun, clock } = scriptedPulls();
    const reading = readAll(pull('a'));
    await settle();
    const { report } = begun[0]!;
    report.resolved('sha256:top', [layer('x', 'waiting')]);
    report.layer(layer('x', 'downloading', 0));
    for (let bytes = 1; bytes <= 50; bytes++) {
      report.layer(layer('x', 'downloading', bytes));
      await clock.advance(5);
    }
    await clock.advance(1000);
    report.layer(layer('x', 'unpacking', 1));
    begun[0]!.succeed();
    const seen = (await reading).flatMap((event) =>
      'kind' in event && event.kind === 'layer' ? [[event.layer.state, event.layer.current]] : [],
    );
    expect(seen).toEqual([
      ['downloading', 0],
      ['downloading', 20],
      ['downloading', 40],
      ['downloading', 50],
      ['unpacking', 1],
    ]);
    expect(clock.pending).toBe(0);
  });
});

describe('close', () => {
  it('aborts all, waits for their end, and lets nobody begin', async () => {
    const { pulls, pull, begun } = scriptedPulls();
    const reading = readAll(pull('a'));
    await settle();
    let closed = false;
    const closing = pulls.close().then(() => {
      closed = true;
    });
    await settle();
    expect([begun[0]!.signal.aborted, closed]).toEqual([true, false]);
    begun[0]!.fail(begun[0]!.signal.reason);
    await closing;
    await pulls.close();
    expect(await reading).toMatchObject([{ code: 'unavailable' }]);
    expect(await readAll(pull('a'))).toMatchObject([{ code: 'unavailable' }]);
  });
});
