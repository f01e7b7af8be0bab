import type { Metadata, StatusObject } from '@grpc/grpc-js';
import { currentTracer, type Span, type SpanFailure } from '../../model/trace.ts';
import { ERROR_METADATA, fromGrpcStatus } from '../../wire/error-status.ts';
import { whyCancelled } from './call.ts';

/** What all kinds of calls have of the library. */
interface Call {
  metadata: Metadata;
  getDeadline(): Date | number;
  once?(event: string, listener: (thrown?: unknown) => void): unknown;
}

type Handle = (call: Call, callback?: (...answer: unknown[]) => void) => void;

/** A method whose calls are steps of the traces of those who call it. @param path of the method */
export function tracedCall(path: string, handle: Handle): Handle {
  return (call, callback) => {
    const tracer = currentTracer();
    if (tracer === undefined) return handle(call, callback);
    const [parent] = call.metadata.get('traceparent');
    const span = tracer.begin(path.slice(1), {
      kind: 'server',
      attributes: { 'rpc.system': 'grpc' },
      ...(typeof parent === 'string' && { parent }),
    });
    if (callback === undefined) endWithStream(span, call);
    tracer.within(span, () =>
      handle(
        call,
        callback &&
          ((...answer) => {
            span.end(failureOf(answer[0]));
            callback(...answer);
          }),
      ),
    );
  };
}

function endWithStream(span: Span, call: Call): void {
  let ended = false;
  const end = (failure?: SpanFailure): void => {
    if (!ended) span.end(failure);
    ended = true;
  };
  call.once?.('error', (thrown) => end(failureOf(thrown)));
  call.once?.('cancelled', () => end(whyCancelled(call)));
  for (const event of ['close', 'finish']) call.once?.(event, () => end());
}

/** Of a status, as ./call.ts makes them. */
function failureOf(answer: unknown): SpanFailure | undefined {
  const { code, details = '', metadata } = (answer ?? {}) as Partial<StatusObject>;
  if (code === undefined) return undefined;
  const [body] = metadata?.get(ERROR_METADATA) ?? [];
  return fromGrpcStatus(code, details, typeof body === 'string' ? undefined : body);
}
