import { afterEach, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import {
  type Span,
  type SpanFailure,
  type SpanOptions,
  traced,
  tracedPart,
  traceHeaders,
  useTracer,
} from '../../../src/core/model/trace.ts';
import { plainSpan } from '../../helpers/core/plain-span.ts';

afterEach(() => useTracer(undefined));

interface Step extends SpanOptions {
  name: string;
  failure?: SpanFailure;
}

/** Takes steps down, in the order in which they begin. */
function recorder(): Step[] {
  const steps: Step[] = [];
  let running: Span | undefined;
  useTracer({
    begin(name, options) {
      const step: Step = { name, ...options };
      steps.push(step);
      const end = (failure?: SpanFailure): void => void (failure && Object.assign(step, { failure }));
      return { ...plainSpan, traceparent: `00-${name}`, end };
    },
    within(span, run) {
      running = span;
      return run();
    },
    current: () => running,
  });
  return steps;
}

class Part {
  readonly #secret = 'inside';
  async act(word: string): Promise<string> {
    return `${word} ${this.#secret}`;
  }
  get other(): string {
    return this.#secret;
  }
}

const attributes = (word: string) => ({ word });

it('runs as if there were nothing when nobody traces', async () => {
  expect(await traced('step', async () => 1)).toBe(1);
  expect(traceHeaders()).toBeUndefined();
  const part = new Part();
  expect(tracedPart('part', part, ['act'], attributes)).toBe(part);
});

it('tells steps, why they failed, and where another process goes on', async () => {
  const steps = recorder();
  expect(await traced('good', async () => traceHeaders(), { kind: 'client' })).toEqual({
    traceparent: '00-good',
  });
  const failure = new FsbError('not_found', 'there is none');
  await expect(traced('bad', () => Promise.reject(failure))).rejects.toBe(failure);
  expect(steps).toEqual([
    { name: 'good', kind: 'client' },
    { name: 'bad', failure },
  ]);
});

it('makes steps of the methods of a part, and leaves the others as they are', async () => {
  const steps = recorder();
  const part = tracedPart('part', new Part(), ['act'], attributes);
  expect([await part.act('hi'), part.other]).toEqual(['hi inside', 'inside']);
  expect(steps).toEqual([{ name: 'part.act', attributes: { word: 'hi' } }]);
});
