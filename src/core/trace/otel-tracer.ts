import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  type HrTime,
  isSpanContextValid,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../model/clock.ts';
import type { GuestStep, Span, SpanAttributes, SpanFailure, SpanOptions, Tracer } from '../model/trace.ts';

const KINDS = { client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** The steps of this process, for an SDK of OpenTelemetry. @param guest takes those of guests, which are another service */
export function otelTracer(inner: OtelTracer, clock: Clock, guest = inner): Tracer {
  const running = new AsyncLocalStorage<OtelStep>();
  const contextOf = ({ parent, root }: SpanOptions): Context => {
    const far = parent === undefined ? undefined : parseTraceparent(parent);
    if (far !== undefined) return trace.setSpanContext(ROOT_CONTEXT, far);
    const near = running.getStore();
    return root || near === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, near.span);
  };
  return {
    begin(name, options) {
      const { kind, attributes = {} } = options;
      const terms = { attributes, kind: kind === undefined ? SpanKind.INTERNAL : KINDS[kind] };
      return new OtelStep(inner.startSpan(name, terms, contextOf(options)), clock, guest);
    },
    within: (span, run) => running.run(span as OtelStep, run),
    current: () => running.getStore(),
  };
}

class OtelStep implements Span {
  readonly span: OtelSpan;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceparent: string;
  readonly sampled: boolean;
  readonly #clock: Clock;
  readonly #guest: OtelTracer;
  readonly #began: number;

  constructor(span: OtelSpan, clock: Clock, guest: OtelTracer) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.span = span;
    this.#clock = clock;
    this.#guest = guest;
    this.#began = clock.monotonic();
    this.sampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    this.traceId = traceId;
    this.spanId = spanId;
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  addGuestSteps(steps: readonly GuestStep[]): void {
    const passed = (this.#clock.monotonic() - this.#began) * 1e6;
    const took = steps.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
    if (took > passed) return;
    const context = trace.setSpan(ROOT_CONTEXT, this.span);
    // A span that is taken down is one of the SDK, and that knows its beginning.
    let at = after((this.span as unknown as ReadableSpan).startTime, (passed - took) / 2);
    for (const { name, nanoseconds } of steps) {
      const step = this.#guest.startSpan(name, { startTime: at }, context);
      at = after(at, nanoseconds);
      step.end(at);
    }
  }

  end(failure?: SpanFailure, attributes: SpanAttributes = {}): void {
    this.span.setAttributes(attributes);
    if (failure !== undefined) {
      this.span.setAttribute('error.type', failure.code);
      this.span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.span.end();
  }
}

function after([seconds, rest]: HrTime, nanoseconds: number): HrTime {
  const sum = rest + Math.floor(nanoseconds);
  return [seconds + Math.floor(sum / 1e9), sum % 1e9];
}

/** As W3C has it, of this version or a later one; undefined: it does not read. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}
