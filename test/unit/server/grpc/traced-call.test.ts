import { EventEmitter } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { type SpanFailure, useTracer } from '../../../../src/core/model/trace.ts';
import { statusOf } from '../../../../src/core/server/grpc/call.ts';
import { tracedCall } from '../../../../src/core/server/grpc/traced-call.ts';
import { plainSpan } from '../../../helpers/core/plain-span.ts';

let ends: (string | undefined)[];
beforeEach(() => {
  ends = [];
  const end = (failure?: SpanFailure): void => void ends.push(failure?.code);
  useTracer({
    begin: () => ({ ...plainSpan, end }),
    within: (_, run) => run(),
    current: () => undefined,
  });
});
afterEach(() => useTracer(undefined));

class Stream extends EventEmitter {
  readonly metadata = new Metadata();
  getDeadline(): number {
    return Number.POSITIVE_INFINITY;
  }
}

/** How the step of a stream ends, of which these events are told. */
function stream(...events: [string, unknown?][]): (string | undefined)[] {
  const call = new Stream();
  tracedCall('/fsb.v1.SystemService/Watch', () => {})(call);
  for (const [event, told] of events) call.emit(event, told);
  return ends.splice(0);
}

it('the step of a stream has the code of its failure', () => {
  expect(stream(['error', statusOf(new FsbError('outdated', 'too old'))], ['finish'])).toEqual(['outdated']);
  expect(stream(['cancelled'], ['error', statusOf(new FsbError('cancelled', 'gone'))])).toEqual([
    'cancelled',
  ]);
  expect(stream(['finish'], ['close'])).toEqual([undefined]);
});

it('the step of a call with one answer has the same words', () => {
  const handle = tracedCall('/fsb.v1.ImageService/Inspect', (_, callback) =>
    callback?.(statusOf(new FsbError('image_not_found', 'no'))),
  );
  handle(new Stream(), () => {});
  expect(ends).toEqual(['image_not_found']);
});
