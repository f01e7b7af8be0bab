import type { Metadata, ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js';
import { FsbError } from '../../model/failure/errors.ts';
import { statusOf } from './call.ts';

const ACCEPTED = 'grpc-accept-encoding';
const PLAIN = 'identity';

/**
 * Messages are taken as they are, and no others: the library would inflate what is packed before anybody counts it, and a few
 * bytes can be megabytes. A call that says that its messages may be packed is refused before one of them is read.
 */
export const plainMessages: ServerInterceptor = (_method, call) => {
  const sendMetadata = call.sendMetadata.bind(call);
  // The library offers to inflate.
  call.sendMetadata = (metadata) => sendMetadata(offering(metadata));
  const encoding = encodingOf(call);
  if (encoding !== PLAIN) {
    const { code, details, metadata } = statusOf(packed(encoding));
    call.sendStatus({ code, details, metadata: offering(metadata) });
  }
  // It itself, as ./library-status.ts.
  return call as ServerInterceptingCall;
};

function offering(metadata: Metadata): Metadata {
  metadata.set(ACCEPTED, PLAIN);
  return metadata;
}

/** Of the messages that come: the library takes it out of what it hands on. */
const encodingOf = (call: object): string => (call as { incomingEncoding: string }).incomingEncoding;

const packed = (encoding: string): FsbError =>
  new FsbError('unsupported', `messages that are compressed (${encoding.slice(0, 40)}) are not taken here`, {
    hint: 'Turn off the compression of the gRPC client.',
  });
