import {
  type ServerInterceptingCall,
  type ServerInterceptor,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { FsbError } from '../../model/failure/errors.ts';
import { ERROR_METADATA } from '../../wire/error-status.ts';
import { LONGEST_ANSWER, LONGEST_QUESTION } from '../../wire/rpc-over-http.ts';
import { deadlineExceeded, statusOf } from './call.ts';

const MIB = 1024 * 1024;

type Told = Parameters<ServerInterceptingCall['sendStatus']>[0];

/** What the library refuses or ends by itself is told with our words, code and details. */
export const libraryStatus: ServerInterceptor = (_method, call) => {
  const send = call.sendStatus.bind(call);
  // The library sends its own statuses on this very object, behind all interceptors.
  call.sendStatus = (original) => send({ ...original, ...translated(original) });
  // It itself: who comes after it needs the library's own object, too.
  return call as ServerInterceptingCall;
};

/** Undefined for a status of ours, and for one that needs no other words. */
function translated(original: Told): Partial<StatusObject> | undefined {
  if (original.metadata?.get(ERROR_METADATA).length) return undefined;
  const error = errorOf(original.code, original.details ?? '');
  return error && statusOf(error);
}

function errorOf(code: status | undefined, details: string): FsbError | undefined {
  if (code === status.RESOURCE_EXHAUSTED && details.startsWith('Received message'))
    return new FsbError('invalid_argument', `the message is longer than ${LONGEST_QUESTION / MIB} MiB`, {
      hint: 'Send less at once; files go in parts, with `ImageService.Import`.',
    });
  if (code === status.RESOURCE_EXHAUSTED && details.startsWith('Sent message'))
    return new FsbError('invalid_argument', `the answer is longer than ${LONGEST_ANSWER / MIB} MiB`, {
      hint: 'Ask for less: with filters, or in pages.',
    });
  if (code === status.INTERNAL && details.startsWith('Error deserializing request'))
    return new FsbError('invalid_argument', 'the request is no message of this method');
  if (code === status.INTERNAL && details.startsWith('Invalid grpc-timeout'))
    return new FsbError('invalid_argument', 'the header grpc-timeout is malformed');
  return code === status.DEADLINE_EXCEEDED ? deadlineExceeded() : undefined;
}
