import { resolve } from 'node:path';
import type { ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const file = resolve(import.meta.dirname, '../../fixtures/protos/error-details.proto');
const types = new protobuf.Root().loadSync(file, { keepCase: true });

export interface ErrorDetails {
  code: number;
  message: string;
  /** By the name of their type, without its package. */
  details: Record<string, unknown>;
}

/** What any client reads out of an error, decoded by another library than the core's. */
export function errorDetails({ metadata }: ServiceError): ErrorDetails {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const status = decode('Status', bytes as Buffer) as ErrorDetails & {
    details: { type_url: string; value: Buffer }[];
  };
  const details = (status.details ?? []).map(({ type_url, value }) => {
    const name = type_url.replace('type.googleapis.com/google.rpc.', '');
    return [name, decode(name, value)];
  });
  return { ...status, details: Object.fromEntries(details) };
}

function decode(type: string, bytes: Buffer): object {
  const found = types.lookupType(`google.rpc.${type}`);
  return found.toObject(found.decode(bytes), { longs: Number });
}
