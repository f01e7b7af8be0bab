import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpRpc } from '../../../src/core/client/http-rpc.ts';
import { FastPathServiceService as service } from '../../../src/core/wire/gen/fastpath/v1/fastpath.ts';
import { PROTOBUF } from '../../../src/core/wire/rpc-over-http.ts';
import { gate } from '../../helpers/gate.ts';

const noGrpc = (): Promise<never> => Promise.reject(new Error('not wanted here'));
const sandbox = { sandboxName: 'box', namespace: 'default' };

describe('a call over plain HTTP', () => {
  let directory: string;
  let server: Server;
  let rpc: HttpRpc;

  const serve = async (handle: RequestListener): Promise<void> => {
    server = createServer(handle).listen(join(directory, 'http.sock'));
    await once(server, 'listening');
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fsb-http-rpc-'));
    rpc = new HttpRpc({ kind: 'unix', path: join(directory, 'http.sock') }, noGrpc);
  });

  afterEach(async () => {
    rpc.close();
    server?.closeAllConnections();
    server?.close();
    await rm(directory, { recursive: true });
  });

  it('asks and answers in messages, many over one connection', async () => {
    const seen = new Set<unknown>();
    await serve(async (request, response) => {
      seen.add(request.socket);
      const [question] = (await request.toArray()) as Buffer[];
      const { sandboxName } = service.getSandbox.requestDeserialize(question!);
      response.setHeader('content-type', PROTOBUF);
      response.end(service.getSandbox.responseSerialize({ ...emptyInfo(), sandboxName }));
    });
    for (const name of ['a', 'b', 'c']) {
      const answer = await rpc.call(service.getSandbox, { ...sandbox, sandboxName: name });
      expect(answer.sandboxName).toBe(name);
    }
    expect(seen.size).toBe(1);
  });

  it('takes no connection that rested so long that the core may be closing it', async () => {
    const seen = new Set<unknown>();
    await serve(async (request, response) => {
      seen.add(request.socket);
      await request.toArray();
      await delay(answersAfter);
      response.setHeader('content-type', PROTOBUF);
      response.end(service.getSandbox.responseSerialize(emptyInfo()));
    });
    let answersAfter = 2500;
    await rpc.call(service.getSandbox, sandbox);
    answersAfter = 0;
    await rpc.call(service.getSandbox, sandbox);
    expect(seen.size).toBe(1);
    await delay(2500);
    await rpc.call(service.getSandbox, sandbox);
    expect(seen.size).toBe(2);
  });

  it.each<[string, RequestListener, RegExp]>([
    ['hangs up', (request) => void request.socket.destroy(), /connection was closed/],
    [
      'hangs up within its answer',
      (request, response) => {
        response.writeHead(200, { 'content-type': PROTOBUF, 'content-length': 100 });
        response.write('half', () => request.socket.destroy());
      },
      /connection was closed/,
    ],
    ['is another server', (_, response) => void response.end('<html>'), /is no core/],
  ])('is unavailable when what listens %s', async (_, handle, message) => {
    await serve(handle);
    await expect(rpc.call(service.getSandbox, sandbox)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(message),
    });
  });

  it('takes an answer that is neither a message nor an error of ours as a failure', async () => {
    await serve((_, response) => {
      response.statusCode = 404;
      response.end('not here');
    });
    await expect(rpc.call(service.getSandbox, sandbox)).rejects.toMatchObject({
      message: expect.stringContaining('HTTP status 404'),
    });
  });

  it('ends with its signal and with the connection, and tells the server so', async () => {
    const asked = gate();
    const left = gate();
    await serve((_, response) => {
      asked.open();
      response.once('close', left.open);
    });
    const reason = new AbortController();
    const call = rpc.call(service.getSandbox, sandbox, { signal: reason.signal });
    await asked.promise;
    reason.abort(new Error('enough'));
    await expect(call).rejects.toMatchObject({ message: 'enough' });
    await left.promise;

    const other = rpc.call(service.getSandbox, sandbox);
    await once(server, 'request');
    rpc.close();
    await expect(other).rejects.toMatchObject({ message: expect.stringContaining('was closed') });
    await expect(rpc.call(service.getSandbox, sandbox)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

const emptyInfo = () => service.getSandbox.responseDeserialize(Buffer.alloc(0));
