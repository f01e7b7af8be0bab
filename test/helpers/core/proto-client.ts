import { resolve } from 'node:path';
import {
  type ClientReadableStream,
  credentials,
  Metadata,
  makeClientConstructor,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

// biome-ignore lint/suspicious/noExplicitAny: such a client knows types only when it runs
type Message = any;

export interface ProtoClient {
  /** @throws ServiceError */
  call(
    method: string,
    request: object,
    options?: { deadline?: Date; signal?: AbortSignal },
  ): Promise<Message>;
  stream(method: string, request: object): ClientReadableStream<Message>;
  close(): void;
}

const root = resolve(import.meta.dirname, '../../..');

/** @param file relative to the root of the repository */
export const loadProto = (file: string): PackageDefinition =>
  loadSync(resolve(root, file), {
    ...{ keepCase: true, longs: Number, enums: String, defaults: true },
    includeDirs: [resolve(root, 'proto')],
  });

/** A client made from a .proto file alone, by another library than the core's. @param address as gRPC has it */
export function protoClient(address: string, definition: PackageDefinition, service: string): ProtoClient {
  const methods = definition[service] as ServiceDefinition;
  const Client = makeClientConstructor(methods, service);
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const untyped = client as unknown as Record<string, (...words: unknown[]) => Message>;
  return {
    call: (method, request, { deadline, signal } = {}) =>
      new Promise((resolve, reject) => {
        const done = (error: ServiceError | null, answer: Message): void =>
          error ? reject(error) : resolve(answer);
        const options = deadline ? { deadline } : {};
        const call = untyped[method]!.call(client, request, new Metadata(), options, done);
        signal?.addEventListener('abort', () => call.cancel());
      }),
    stream: (method, request) => untyped[method]!.call(client, request),
    close: () => client.close(),
  };
}

/** The error of a call. */
export const serviceError = (call: Promise<unknown>): Promise<ServiceError> =>
  call.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: ServiceError) => error,
  );
