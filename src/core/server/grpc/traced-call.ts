import { type Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { currentTracer, type SpanFailure } from '../../model/trace.ts';

/** What all kinds of calls have of the library. */
interface Call {
  metadata: Metadata;
  once?(event: 'close' | 'finish' | 'cancelled', listener: () => void): unknown;
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
    if (callback === undefined) {
      let ended = false;
      const end = (): void => {
        if (!ended) span.end();
        ended = true;
      };
      for (const event of ['close', 'finish', 'cancelled'] as const) call.once?.(event, end);
    }
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

/** Of a status, as ./call.ts makes them. */
function failureOf(answer: unknown): SpanFailure | undefined {
  const { code, details } = (answer ?? {}) as Partial<StatusObject>;
  return code === undefined ? undefined : { code: status[code], message: details ?? '' };
}
