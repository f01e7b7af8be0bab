import { setTimeout as delay } from 'node:timers/promises';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, it } from 'vitest';
import type { SpawnTimes } from '../../../src/core/guest/protocol/frames.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { useTracer } from '../../../src/core/model/trace.ts';
import { otelTracer } from '../../../src/core/trace/otel-tracer.ts';
import { ChannelFixture } from '../../helpers/guest/channel-fixture.ts';
import { processSpec } from '../../helpers/guest/process-spec.ts';
import { exitOf } from '../../helpers/guest/scripted-guest.ts';

/** What a guest tells of its steps when the core asks, in the traces of the core. */

const exporter = new InMemorySpanExporter();
afterEach(() => {
  useTracer(undefined);
  exporter.reset();
});

function trace(sampler: Sampler = new AlwaysOnSampler()): void {
  const provider = new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  useTracer(otelTracer(provider.getTracer('core'), systemClock, provider.getTracer('guest')));
}

const MOST = 0xffff_ffff_ffff_ffffn;
const HOUR = 3_600_000_000_000n;
const times = (open: bigint, fork: bigint, prepare: bigint, execute: bigint): SpawnTimes => ({
  ...{ open, fork, prepare, execute },
});

/** Spawns a process and lets it end, whatever its guest says of its times. */
async function spawn(fixture: ChannelFixture, told?: SpawnTimes): Promise<void> {
  const spawning = fixture.channel.spawn(1, processSpec(['cat']));
  await fixture.guest.heard('SPAWN');
  // The core waits for longer than an honest guest says that it took.
  await delay(5);
  fixture.guest.send({ type: 'SPAWNED', process: 1, pid: 2, ...(told && { times: told }) }, exitOf(1));
  const process = await spawning;
  expect(await process.exited).toEqual({ code: 0, signal: null });
  process.acknowledgeExit();
  await fixture.guest.heard('EXIT_ACK');
  await fixture.settle();
}

const nanoseconds = ([seconds, rest]: ReadableSpan['startTime']): bigint =>
  BigInt(seconds) * 1_000_000_000n + BigInt(rest);

const finished = () =>
  Object.fromEntries(
    exporter.getFinishedSpans().map((span) => [
      span.name,
      {
        by: span.instrumentationScope.name,
        id: span.spanContext().spanId,
        parent: span.parentSpanContext?.spanId,
        start: nanoseconds(span.startTime),
        end: nanoseconds(span.endTime),
      },
    ]),
  );

it('become steps one behind the other, in the middle of the time for which the core waited', async () => {
  trace();
  await using fixture = await ChannelFixture.open();
  await spawn(fixture, times(1_000n, 0n, 2_000_000n, 30_000n));
  expect(fixture.guest.ofType('SPAWN')[0]).toMatchObject({ times: true });
  const { 'guest.spawn': whole, ...steps } = finished();
  const took = Object.entries(steps).map(([name, { start, end }]) => [name, end - start]);
  expect(took).toEqual([
    ['guest.open', 1_000n],
    ['guest.fork', 0n],
    ['guest.prepare', 2_000_000n],
    ['guest.execute', 30_000n],
  ]);
  const all = Object.values(steps);
  expect(new Set(all.map(({ by, parent }) => `${by} ${parent}`))).toEqual(new Set([`guest ${whole!.id}`]));
  expect(all.slice(1).map(({ start }) => start)).toEqual(all.slice(0, -1).map(({ end }) => end));
  const [before, after] = [all[0]!.start - whole!.start, whole!.end - all.at(-1)!.end];
  expect(before).toBeGreaterThan(1_000_000n);
  expect(after).toBeGreaterThanOrEqual(before);
});

it.each([
  ['more than the core waited, in all', times(0n, HOUR, 0n, 0n)],
  ['the largest number there is', times(1n, MOST, 1n, 1n)],
  ['four of them, which are nothing when they wrap around', times(MOST, 1n, MOST, 1n)],
])('of a guest that lies are dropped, and nothing else is: %s', async (_, lie) => {
  trace();
  await using fixture = await ChannelFixture.open();
  await spawn(fixture, lie);
  expect(Object.keys(finished())).toEqual(['guest.spawn']);
});

it('that a guest does not know are none', async () => {
  trace();
  await using fixture = await ChannelFixture.open();
  await spawn(fixture);
  expect(Object.keys(finished())).toEqual(['guest.spawn']);
});

it.each<[string, () => void]>([
  ['nobody traces', () => {}],
  ['the step is not sampled', () => trace(new AlwaysOffSampler())],
])('are not asked for when %s, and dropped when they come', async (_, begin) => {
  begin();
  await using fixture = await ChannelFixture.open();
  await spawn(fixture, times(1n, 1n, 1n, 1n));
  expect(fixture.guest.ofType('SPAWN')[0]).toMatchObject({ times: false });
  expect(finished()).toEqual({});
});

it('are not asked of a guest of an earlier core, with which its version is spoken', async () => {
  trace();
  await using fixture = await ChannelFixture.open({ version: 1 });
  await spawn(fixture);
  expect(fixture.guest.ofType('HELLO').map(({ version }) => version)).toEqual([2, 1]);
  expect(fixture.guest.ofType('SPAWN')[0]).toMatchObject({ times: false });
  expect(Object.keys(finished())).toEqual(['guest.spawn']);
});

it('of a process that nobody waits for any longer are dropped', async () => {
  trace();
  await using fixture = await ChannelFixture.open();
  const abort = new AbortController();
  const spawning = fixture.channel.spawn(1, processSpec(['cat']), abort.signal);
  await fixture.guest.heard('SPAWN');
  abort.abort();
  await expect(spawning).rejects.toMatchObject({ code: 'cancelled' });
  fixture.guest.send({ type: 'SPAWNED', process: 1, pid: 2, times: times(1n, 1n, 1n, 1n) });
  await fixture.settle();
  expect(Object.keys(finished())).toEqual(['guest.spawn']);
});
