import { type HrTime, SpanStatusCode } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/model/clock.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { traced, useTracer } from '../../../src/core/model/trace.ts';
import { otelTracer, parseTraceparent } from '../../../src/core/trace/otel-tracer.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const [TRACE, SPAN] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];

describe('a traceparent', () => {
  it.each([`00-${TRACE}-${SPAN}-01`, `01-${TRACE}-${SPAN}-03-of-a-later-version`])('reads: %s', (text) => {
    expect(parseTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true });
  });

  it.each([
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-011`,
    `00-${TRACE}-${SPAN}`,
  ])('does not read: %j', (text) => expect(parseTraceparent(text)).toBeUndefined());
});

describe('steps', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

  beforeEach(() => useTracer(otelTracer(provider.getTracer('test'), systemClock)));
  afterEach(() => {
    useTracer(undefined);
    exporter.reset();
  });

  const parents = (): Record<string, string | undefined> => {
    const spans = exporter.getFinishedSpans();
    const nameOf = (id?: string) => spans.find((span) => span.spanContext().spanId === id)?.name ?? id;
    return Object.fromEntries(spans.map((span) => [span.name, nameOf(span.parentSpanContext?.spanId)]));
  };

  it('belong to the one in which they begin, also side by side and later', async () => {
    const child = (name: string) => traced(name, () => new Promise<void>((done) => setImmediate(done)));
    const family = (name: string) => traced(name, () => Promise.all([child(`${name}1`), child(`${name}2`)]));
    await Promise.all([family('a'), family('b')]);
    expect(parents()).toEqual({ a: undefined, b: undefined, a1: 'a', a2: 'a', b1: 'b', b2: 'b' });
  });

  it('tell of a failure its code, and nothing of what was asked for', async () => {
    const failing = async (): Promise<never> => {
      throw new FsbError('command_not_found', 'there is no program secret-tool');
    };
    await expect(traced('exec', failing)).rejects.toThrow();
    const [span] = exporter.getFinishedSpans();
    expect(span!.attributes).toEqual({ 'error.type': 'command_not_found' });
    expect(span!.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(span!.events).toEqual([]);
  });

  it('go on with what another process began, or begin anew', async () => {
    const nothing = async (): Promise<void> => {};
    await traced(
      'far',
      async () => {
        await traced('own', nothing, { root: true });
        await traced('broken', nothing, { parent: 'nonsense' });
      },
      { parent: `00-${TRACE}-${SPAN}-01` },
    );
    expect(parents()).toEqual({ far: SPAN, own: undefined, broken: 'far' });
  });

  it('of a guest lie one behind the other within what has passed, or are none, whatever it says', async () => {
    const said = fc.array(fc.oneof(fc.nat(2_000_000), fc.bigInt(0n, 2n ** 64n - 1n).map(Number)));
    await fc.assert(
      fc.asyncProperty(said, fc.nat(10), async (took, passed) => {
        exporter.reset();
        const clock = createManualClock();
        const span = otelTracer(provider.getTracer('test'), clock).begin('spawn', {});
        await clock.advance(passed);
        span.addGuestSteps(took.map((nanoseconds, i) => ({ name: `${i}`, nanoseconds })));
        span.end();
        const steps = exporter.getFinishedSpans();
        const begin = steps.pop()!.startTime;
        const since = ([seconds, rest]: HrTime): number => (seconds - begin[0]) * 1e9 + rest - begin[1];
        const moments = steps.flatMap(({ startTime, endTime }) => [since(startTime), since(endTime)]);
        expect(steps).toHaveLength(took.reduce((sum, one) => sum + one, 0) > passed * 1e6 ? 0 : took.length);
        expect([0, ...moments, passed * 1e6]).toEqual(
          [0, ...moments, passed * 1e6].toSorted((a, b) => a - b),
        );
      }),
    );
  });
});
