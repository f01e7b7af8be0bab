import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { errorDetails } from '../../../helpers/core/error-details.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import {
  loadProto,
  type ProtoClient,
  protoClient,
  serviceError,
} from '../../../helpers/core/proto-client.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

describe('an error over gRPC', () => {
  let inner: HostCore;
  let served: ServedCore;
  let client: ProtoClient;
  beforeAll(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'tcp');
    const definition = loadProto('proto/fastpath/v1/fastpath.proto');
    client = protoClient(served.servers.grpc[0]!, definition, 'fastpath.v1.FastPathService');
  });
  afterAll(async () => {
    client.close();
    await served.close();
    await inner.close();
  });

  it('has its code as the reason, and the hint, for clients of every language', async () => {
    const error = await serviceError(client.call('GetSandbox', { sandbox_name: 'nobody' }));
    expect(error.code).toBe(status.NOT_FOUND);
    expect(errorDetails(error)).toEqual({
      code: status.NOT_FOUND,
      message: error.details,
      details: {
        ErrorInfo: { reason: 'NOT_FOUND', domain: 'fsb-ctl', metadata: { exit_code: '3' } },
        LocalizedMessage: { locale: 'en-US', message: 'See `fsb-ctl list`.' },
      },
    });
  });

  it('keeps codes apart that share a status', async () => {
    const error = await serviceError(client.call('CreateSandbox', { image: 'no-such' }));
    expect(error.code).toBe(status.NOT_FOUND);
    expect(errorDetails(error).details).toMatchObject({ ErrorInfo: { reason: 'IMAGE_NOT_FOUND' } });
  });

  it('names every wrong field of a spec', async () => {
    const request = {
      image: 'host',
      exposed_ports: [0, 80],
      resources: { memory: 1 },
      consistency_mode: 7,
    };
    const error = await serviceError(client.call('CreateSandbox', request));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    const { BadRequest } = errorDetails(error).details as {
      BadRequest: { field_violations: { field: string; description: string }[] };
    };
    const fields = BadRequest.field_violations.map(({ field }) => field).sort();
    expect(fields).toEqual(['consistency_mode', 'exposed_ports.0', 'resources.memory']);
    expect(BadRequest.field_violations.find(({ field }) => field === 'consistency_mode')).toEqual({
      ...{ field: 'consistency_mode', description: 'must be one of fast, strong' },
    });
    for (const { description } of BadRequest.field_violations) expect(description).not.toBe('');
  });

  it('says when to try again, where that may help', async () => {
    const { list } = inner.pools;
    inner.pools.list = () =>
      Promise.reject(new FsbError('no_capacity', 'x'.repeat(50_000), { hint: '漢'.repeat(9_000) }));
    const pools = protoClient(
      served.servers.grpc[0]!,
      loadProto('proto/fsb/v1/pool.proto'),
      'fsb.v1.PoolService',
    );
    const error = await serviceError(pools.call('List', {}));
    inner.pools.list = list;
    pools.close();
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    const { message, details } = errorDetails(error);
    expect(details.RetryInfo).toEqual({ retry_delay: { seconds: 1 } });
    // However long the words are, the error arrives.
    expect(message.length).toBeLessThan(1000);
  });

  const raw = (bytes: Buffer, path = '/fastpath.v1.FastPathService/CreateSandbox'): Promise<ServiceError> => {
    const client = new Client(served.servers.grpc[0]!, credentials.createInsecure());
    const asIs = (some: Buffer): Buffer => some;
    return new Promise<ServiceError>((resolve, reject) => {
      client.makeUnaryRequest(path, asIs, asIs, bytes, (error) =>
        error ? resolve(error) : reject(new Error('it did not fail')),
      );
    }).finally(() => client.close());
  };

  it('has our words where the library refuses by itself', async () => {
    const tooLong = await raw(Buffer.alloc(5 * 1024 * 1024));
    expect(tooLong).toMatchObject({
      ...{ code: status.INVALID_ARGUMENT, details: 'the message is longer than 4 MiB' },
    });
    expect(errorDetails(tooLong).details).toMatchObject({ LocalizedMessage: expect.anything() });
    // The same call never goes well.
    expect(errorDetails(tooLong).details.RetryInfo).toBeUndefined();
    const broken = await raw(Buffer.from('0aff', 'hex'));
    expect(broken).toMatchObject({
      ...{ code: status.INVALID_ARGUMENT, details: 'the request is no message of this method' },
    });
    expect(errorDetails(broken).details).toMatchObject({ ErrorInfo: { reason: 'INVALID_ARGUMENT' } });
    expect((await raw(Buffer.alloc(0), '/fastpath.v1.FastPathService/Nothing')).code).toBe(
      status.UNIMPLEMENTED,
    );
  });
});
