import { FsbError } from './failure/errors.ts';
import { replacing } from './replacing.ts';

/** What is known of a step, besides its name and time. Never what users keep secret: no environment, no arguments. */
export type SpanAttributes = Record<string, string | number | boolean>;

export interface SpanOptions {
  /** `client` asks another process, `server` was asked by one. Default: neither. */
  kind?: 'client' | 'server';
  attributes?: SpanAttributes;
  /** The step of another process that it belongs to, as W3C's `traceparent`; what does not read counts as none. */
  parent?: string | undefined;
  /** It belongs to nothing that is under way here. */
  root?: boolean;
}

/** Why a step failed. */
export interface SpanFailure {
  /** Of an FsbError, or another word; few different ones. Not its message, which may name a command. */
  code: string;
}

/** What a guest did, as it says itself. */
export interface GuestStep {
  name: string;
  /** How long it took; whatever a guest says. */
  nanoseconds: number;
}

/** One step of a trace. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** For another process to go on with: W3C's `traceparent`. */
  readonly traceparent: string;
  /** Somebody takes it down. What only a trace wants is asked for on behalf of such a step, and of no other. */
  readonly sampled: boolean;
  /**
   * What a guest did for it, one step after the other, between its beginning and now. How long the way there and back took
   * nobody knows, and the guest's clock is none of ours: its steps are put in the middle. If they took longer than that they are
   * no truth, and are dropped.
   */
  addGuestSteps(steps: readonly GuestStep[]): void;
  /** Once. */
  end(failure?: SpanFailure, attributes?: SpanAttributes): void;
}

/** Who takes the steps down. */
export interface Tracer {
  begin(name: string, options: SpanOptions): Span;
  /** What begins in there, also later, belongs to this step. */
  within<T>(span: Span, run: () => T): T;
  /** The step that belongs to what runs now. */
  current(): Span | undefined;
}

let tracer: Tracer | undefined;

/** From now on; undefined: nobody takes anything down, and a step costs one comparison. */
export function useTracer(next: Tracer | undefined): void {
  tracer = next;
}

/** For what is more than a step. */
export const currentTracer = (): Tracer | undefined => tracer;

/** Runs it as a step of the trace that is under way, if anybody takes it down. @param name few different ones */
export function traced<T>(name: string, run: () => Promise<T>, options: SpanOptions = {}): Promise<T> {
  return tracer === undefined ? run() : tracedBy(tracer, name, run, options);
}

async function tracedBy<T>(
  by: Tracer,
  name: string,
  run: () => Promise<T>,
  options: SpanOptions,
): Promise<T> {
  const span = by.begin(name, options);
  try {
    const result = await by.within(span, run);
    span.end();
    return result;
  } catch (error) {
    span.end(FsbError.from(error));
    throw error;
  }
}

/** The step that is under way, if it is taken down; undefined: there is none. */
export function sampledSpan(): Span | undefined {
  const span = tracer?.current();
  return span?.sampled ? span : undefined;
}

/** The header that makes another process go on with the trace that is under way; undefined: there is none. */
export function traceHeaders(): { traceparent: string } | undefined {
  const span = tracer?.current();
  return span && { traceparent: span.traceparent };
}

type Method = (...args: unknown[]) => Promise<unknown>;

/** A part of which these methods are steps of a trace, `name.method`; the part itself, as long as nobody traces. */
export function tracedPart<Part extends object>(
  name: string,
  part: Part,
  methods: readonly (keyof Part & string)[],
  attributesOf: (...args: never[]) => SpanAttributes,
): Part {
  if (tracer === undefined) return part;
  const stepOf = (method: keyof Part & string): [string, Method] => [
    method,
    (...args) =>
      traced(`${name}.${method}`, () => (part[method] as Method).apply(part, args), {
        attributes: attributesOf(...(args as never[])),
      }),
  ];
  return replacing(part, Object.fromEntries(methods.map(stepOf)) as Partial<Part>);
}
