import type { ServerErrorResponse, UntypedHandleCall } from '@grpc/grpc-js';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { ERROR_METADATA, fromGrpcStatus } from '../../wire/error-status.ts';
import { LONGEST_QUESTION, PROTOBUF } from '../../wire/rpc-over-http.ts';
import type { UnreadAnswers } from '../auth/unread-answers.ts';
import type { BodyRoom } from '../body-room.ts';
import { perCore } from '../grpc/admit.ts';
import { messageLength } from '../grpc/message-length.ts';
import type { Service } from '../grpc/services.ts';
import type { Served } from '../served.ts';
import { type Deadline, deadlineOf } from './deadline.ts';
import { RequestBody } from './request-body.ts';
import { send } from './respond.ts';
import type { Route } from './router.ts';

export interface RpcTerms {
  clock: Clock;
  bodies: BodyRoom;
  answers: UnreadAnswers;
}

/** Answers one question, which is the bytes of a message, with what makes those of another. @throws FsbError */
type Method = (question: Buffer, deadline: Deadline, core: Served) => Promise<Answer>;

interface Answer {
  message: unknown;
  serialize(): Buffer;
}

/** The unary methods of `services` as ../../wire/rpc-over-http.ts has them. */
export function rpcRoutes(services: Service[], { clock, bodies, answers }: RpcTerms): Route {
  const methods = new Map(services.flatMap(methodsOf));
  return async (request, response, { pathname }, signal, { core, caller }) => {
    const method = request.method === 'POST' ? methods.get(pathname) : undefined;
    if (method === undefined) return false;
    const deadline = deadlineOf(request.headers['grpc-timeout']?.toString(), signal, clock);
    const body = new RequestBody(request, { clock, room: bodies, caller, signal: deadline.signal });
    try {
      // A web page cannot send this type without asking first.
      body.assertType([PROTOBUF]);
      const { message, serialize } = await method(await body.bytes(LONGEST_QUESTION), deadline, core);
      answers.assertRoom(caller, messageLength(message));
      send(response, 200, PROTOBUF, serialize());
    } finally {
      deadline.clear();
      body.release();
    }
    return true;
  };
}

function methodsOf({ definition, implement }: Service): [path: string, method: Method][] {
  const implementation = perCore(implement);
  return Object.entries(definition)
    .filter(([, { requestStream, responseStream }]) => !requestStream && !responseStream)
    .map(([name, { path, requestDeserialize, responseSerialize }]) => [
      path,
      async (question, deadline, core) => {
        const method = implementation(core)[name]!;
        const message = await answer(method, read(question, requestDeserialize), deadline);
        return { message, serialize: () => responseSerialize(message) };
      },
    ]);
}

function read<Message>(bytes: Buffer, deserialize: (bytes: Buffer) => Message): Message {
  try {
    return deserialize(bytes);
  } catch (error) {
    throw new FsbError(
      'invalid_argument',
      `the body is no message of this method: ${(error as Error).message}`,
    );
  }
}

/** Calls a method as the gRPC server does, with what the methods here use of such a call (../grpc/call.ts). */
function answer(method: UntypedHandleCall, request: unknown, { signal, isOver }: Deadline): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = {
      request,
      getDeadline: () => (isOver() ? 0 : Number.POSITIVE_INFINITY),
      once: (_: 'cancelled', listener: () => void) =>
        signal.addEventListener('abort', listener, { once: true }),
    };
    (
      method as (
        call: unknown,
        callback: (error: ServerErrorResponse | null, answer: unknown) => void,
      ) => void
    )(call, (status, message) => (status === null ? resolve(message) : reject(errorOf(status))));
  });
}

function errorOf({ code, details, metadata }: ServerErrorResponse): FsbError {
  const [body] = metadata?.get(ERROR_METADATA) ?? [];
  return fromGrpcStatus(code ?? 0, details ?? '', typeof body === 'string' ? undefined : body);
}
