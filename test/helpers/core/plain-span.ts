import type { Span } from '../../../src/core/model/trace.ts';

/** A step of which nothing is kept: for tests of one of its parts. */
export const plainSpan: Span = {
  ...{ traceId: 't', spanId: 's', traceparent: '', sampled: false },
  addGuestSteps: () => {},
  end: () => {},
};
