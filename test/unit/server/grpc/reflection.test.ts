import {
  type ClientDuplexStream,
  credentials,
  makeClientConstructor,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, type PackageDefinition } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { loadProto, protoClient } from '../../../helpers/core/proto-client.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

// biome-ignore lint/suspicious/noExplicitAny: such a client knows types only when it runs
type Message = any;

/** Asks one question after the other over one stream, as generic clients do. */
class Reflection {
  readonly #stream: ClientDuplexStream<Message, Message>;
  readonly #answers: AsyncIterator<Message>;
  readonly #close: () => void;

  constructor(address: string, version: 'v1' | 'v1alpha') {
    const definition = loadProto(`proto/grpc/reflection/${version}/reflection.proto`);
    const service = definition[`grpc.reflection.${version}.ServerReflection`] as ServiceDefinition;
    const client = new (makeClientConstructor(service, 'ServerReflection'))(
      address,
      credentials.createInsecure(),
    );
    this.#stream = client.ServerReflectionInfo!();
    this.#answers = (this.#stream as AsyncIterable<Message>)[Symbol.asyncIterator]();
    this.#close = () => client.close();
  }

  async ask(request: object): Promise<Message> {
    this.#stream.write({ host: 'h', ...request });
    const { value } = await this.#answers.next();
    expect(value).toMatchObject({ valid_host: 'h', original_request: { host: 'h', ...request } });
    return value;
  }

  async services(): Promise<string[]> {
    const { list_services_response: list } = await this.ask({ list_services: '*' });
    return list.service.map(({ name }: { name: string }) => name);
  }

  /** What a symbol is, and all that this needs. */
  async describe(symbol: string): Promise<PackageDefinition> {
    const { file_descriptor_response: found } = await this.ask({ file_containing_symbol: symbol });
    // A FileDescriptorSet has its files in field 1.
    const files = found.file_descriptor_proto.flatMap((file: Buffer) => [
      Buffer.from([0x0a]),
      varint(file.length),
      file,
    ]);
    return loadFileDescriptorSetFromBuffer(Buffer.concat(files), {
      keepCase: true,
      longs: Number,
      enums: String,
    });
  }

  async end(): Promise<void> {
    this.#stream.end();
    expect((await this.#answers.next()).done).toBe(true);
    this.#close();
  }
}

function varint(number: number): Buffer {
  const bytes: number[] = [];
  for (let left = number; ; left >>>= 7) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left & 127) | 128);
  }
}

describe.each(['v1', 'v1alpha'] as const)('server reflection %s', (version) => {
  let inner: HostCore;
  let served: ServedCore;
  let reflection: Reflection;
  beforeAll(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'tcp');
    reflection = new Reflection(served.servers.grpc[0]!, version);
  });
  afterAll(async () => {
    await reflection.end();
    await served.close();
    await inner.close();
  });

  it('is all that a generic client needs to find services and to call one', async () => {
    const services = await reflection.services();
    expect(services.sort()).toEqual([
      ...['fastpath.v1.FastPathService', 'fsb.v1.ImageService', 'fsb.v1.PoolService', 'fsb.v1.SystemService'],
      ...['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection'],
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
    for (const service of services) {
      const definition = await reflection.describe(service);
      const methods = Object.values(definition[service] as ServiceDefinition);
      expect(methods.map(({ path }) => path.split('/')[1])).toEqual(methods.map(() => service));
    }
    const name = 'fastpath.v1.FastPathService';
    const client = protoClient(served.servers.grpc[0]!, await reflection.describe(name), name);
    // This library takes maps out of descriptors for what they are on the wire.
    const labels = [{ key: 'by', value: 'reflection' }];
    const made = await client.call('CreateSandbox', {
      ...{
        image: 'host',
        name: `found-${version}`,
        command: ['sleep', '1000'],
        labels,
      },
    });
    const { items } = await client.call('ListSandboxes', {
      labels,
      phases: ['Running'],
    });
    expect(items).toEqual([expect.objectContaining({ sandbox_id: made.sandbox_id, phase: 'Running' })]);
    await client.call('DeleteSandbox', { sandbox_name: `found-${version}`, grace_milliseconds: 0 });
    client.close();
  });

  it('finds messages, enums, nested ones and methods, and files by their name', async () => {
    const symbols = [
      ...['fastpath.v1.SandboxInfo', 'fastpath.v1.FailurePolicy', 'fastpath.v1.FastPathService.GetSandbox'],
      ...['grpc.health.v1.HealthCheckResponse.ServingStatus', 'fastpath.v1.CreateRequest.EnvsEntry'],
    ];
    for (const symbol of symbols)
      expect(Object.keys(await reflection.describe(symbol)).length).toBeGreaterThan(0);
    const byName = await reflection.ask({ file_by_filename: 'google/rpc/status.proto' });
    expect(byName.file_descriptor_response.file_descriptor_proto).toHaveLength(2);
  });

  it('says what is not there, and goes on', async () => {
    const absent = { error_response: { error_code: status.NOT_FOUND, error_message: expect.any(String) } };
    for (const request of [
      { file_containing_symbol: 'fastpath.v1.Nothing' },
      { file_by_filename: '../secret' },
      { all_extension_numbers_of_type: 'no.such.Type' },
      { file_containing_extension: { containing_type: 'fastpath.v1.SandboxInfo', extension_number: 7 } },
    ])
      expect(await reflection.ask(request)).toMatchObject(absent);
    expect(await reflection.ask({ all_extension_numbers_of_type: 'fastpath.v1.SandboxInfo' })).toMatchObject({
      all_extension_numbers_response: { base_type_name: 'fastpath.v1.SandboxInfo', extension_number: [] },
    });
    expect(await reflection.ask({})).toMatchObject({
      error_response: { error_code: status.INVALID_ARGUMENT },
    });
  });
});
