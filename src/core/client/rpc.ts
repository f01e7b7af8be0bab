import type { MethodDefinition } from '@grpc/grpc-js';
import type { CallOptions } from '../api/sandbox-api.ts';

/** Calls to a core. All throw FsbError: the core's own, `unavailable` when it cannot be reached, or the signal's reason. */
export interface Rpc {
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;

  /**
   * As call(), but an abort asks the core, with `retraction` as a second message, to answer at once instead of hanging
   * up on it: so that an answer on its way is not lost, it is given even after the abort.
   */
  retractable<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    retraction: Request,
    options?: CallOptions,
  ): Promise<Response>;

  /** The answers as they come, at the pace of the reader; a reader that breaks off ends the call. */
  stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): AsyncGenerator<Response>;

  /** As stream(), with many messages, sent at the pace of the core. A source that fails ends the call with its error. */
  exchange<Request, Response>(
    method: MethodDefinition<Request, Response>,
    requests: AsyncIterable<Request>,
    options?: CallOptions,
  ): AsyncGenerator<Response>;

  /** Running calls fail. Idempotent. */
  close(): void;
}
