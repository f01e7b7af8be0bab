import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../model/clock.ts';
import type { Tracer } from '../model/trace.ts';
import { otelTracer } from './otel-tracer.ts';

/** Milliseconds that the last steps may take on their way at the end: a collector that is away holds nobody up for long. */
const LAST_WORD = { command: 500, core: 2_000 };

export interface TracingOptions {
  /** `service.name`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES has another one. */
  service: string;
  version: string;
  /** Somebody waits for the end of a command: what it sends is not tried again. */
  of: 'command' | 'core';
  clock: Clock;
}

export interface Tracing {
  tracer: Tracer;
  /** Resolves when what is left was sent, or could not be, or its time is up. */
  close(): Promise<void>;
}

/**
 * A tracer that sends its steps to a collector, over OTLP and HTTP. Where to, with which headers, and which of them is for the
 * library to read from the environment (OTEL_*). In production this is a script of its own (scripts/build/tracing-script.ts), which
 * therefore must share nothing with the rest of the program but types.
 */
export function openTracing({ service, version, of, clock }: TracingOptions): Tracing {
  const spanProcessors = [new BatchSpanProcessor(exporterOf(of))];
  const providerOf = (own: Record<string, string | number>): BasicTracerProvider => {
    const resource = resourceFromAttributes(own).merge(detectResources({ detectors: [envDetector] }));
    return new BasicTracerProvider({ resource, spanProcessors });
  };
  const about = { 'service.name': service, 'service.version': version, 'process.pid': process.pid };
  const provider = providerOf(about);
  // Both hand on to one: to close either is to close both.
  const guests = providerOf({ 'service.name': 'fsb-init' });
  const close = async (): Promise<void> => {
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(LAST_WORD[of], resolve);
    });
    await Promise.race([provider.shutdown().catch(() => {}), late]);
    cancel();
  };
  const tracer = otelTracer(
    provider.getTracer('fsb-ctl', version),
    clock,
    guests.getTracer('fsb-ctl', version),
  );
  return { tracer, close };
}

/** The library waits for a second before it tries again, which is more than a command has: one that is refused ends at once. */
const exporterOf = (of: TracingOptions['of']): OTLPTraceExporter =>
  new OTLPTraceExporter(of === 'command' ? { timeoutMillis: LAST_WORD.command } : {});
