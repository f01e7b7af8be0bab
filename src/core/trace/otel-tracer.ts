import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  isSpanContextValid,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Span, SpanAttributes, SpanFailure, SpanOptions, Tracer } from '../model/trace.ts';

const KINDS = { client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** The steps of this process, for an SDK of OpenTelemetry. */
export function otelTracer(inner: OtelTracer): Tracer {
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
      return new OtelStep(inner.startSpan(name, terms, contextOf(options)));
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

  constructor(span: OtelSpan) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.span = span;
    this.traceId = traceId;
    this.spanId = spanId;
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
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

/** As W3C has it, of this version or a later one; undefined: it does not read. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}
