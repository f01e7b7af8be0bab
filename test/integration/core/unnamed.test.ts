import { type ServiceDefinition, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProto, protoClient } from '../../helpers/core/proto-client.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

/** The services of a core, and what of them needs no word of its caller. */
const SERVICES: [file: string, service: string, content: string[]][] = [
  ['fastpath/v1/fastpath', 'fastpath.v1.FastPathService', ['ListSandboxes', 'GetUsage']],
  ['fsb/v1/pool', 'fsb.v1.PoolService', ['List', 'Status', 'Leases']],
  ['fsb/v1/image', 'fsb.v1.ImageService', ['List', 'Prune']],
  [
    'fsb/v1/system',
    'fsb.v1.SystemService',
    ['Info', 'Usage', 'Health', 'RetainedLogs', 'RemoveLogs', 'RemoveSetAside'],
  ],
];

describe('a gRPC request without a word in it', () => {
  let core: RealCore;
  beforeAll(async () => {
    core = await startRealCore();
  });
  afterAll(() => core.close());

  it.each(SERVICES)('%s is invalid unless the call needs none', async (file, service, content) => {
    const definition = loadProto(`proto/${file}.proto`);
    const client = protoClient(core.running.status.grpc.replace('tcp://', ''), definition, service);
    const methods = Object.entries(definition[service] as ServiceDefinition)
      .filter(([, { requestStream, responseStream }]) => !requestStream && !responseStream)
      .map(([name]) => name);
    const codes = methods.map(async (name) => {
      const code = await client.call(name, {}).then(
        () => status.OK,
        (error: { code: number }) => error.code,
      );
      return [name, status[code]];
    });
    const expected = (name: string): string => (content.includes(name) ? 'OK' : 'INVALID_ARGUMENT');
    expect(await Promise.all(codes)).toEqual(methods.map((name) => [name, expected(name)]));
    client.close();
  });
});
