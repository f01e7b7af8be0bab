import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256 } from '../../helpers/core/secure-core.ts';

const MIB = 1024 * 1024;
const tokenOf = (name: string): string => `token-of-the-tests-${name}`;
const entry = (name: string, scope: string) => ({ name, sha256: sha256(tokenOf(name)), scopes: [scope] });
const spec = { image: 'host', command: ['sleep', '1000'] };

describe('the bodies of one caller', () => {
  let inner: HostCore;
  let place: SecureCore;
  const open: ClientRequest[] = [];
  beforeAll(async () => {
    inner = hostCore();
    const list = { tokens: [entry('dashboard', 'read'), entry('ci', 'use'), entry('other', 'use')] };
    place = await serveSecurely(inner, { list });
    await inner.sandboxes.create({ namespace: 'default', name: 'box', spec });
  });
  afterAll(async () => {
    for (const call of open) call.destroy();
    await place[Symbol.asyncDispose]();
    await inner.close();
  });

  /** Begins a body of JSON; nothing is sent of it yet. */
  function begin(name: string, path: string): ClientRequest {
    const [host, port] = place.servers.http[0]!.split(':');
    const headers = {
      authorization: `Bearer ${tokenOf(name)}`,
      'content-type': 'application/json',
      'transfer-encoding': 'chunked',
    };
    const call = request({
      ...{ host, port, path, headers, method: 'POST', agent: false },
      ca: readFileSync(place.authority.ca),
    });
    call.on('error', () => {});
    open.push(call);
    return call;
  }

  /** Resolves with the status of the answer. */
  const statusOf = async (call: ClientRequest): Promise<number> =>
    ((await once(call, 'response')) as [IncomingMessage])[0].statusCode!;

  const create = (caller: string, name: string): Promise<number> => {
    const call = begin(caller, '/api/v1/sandboxes');
    call.end(JSON.stringify({ name, spec }));
    return statusOf(call);
  };

  it('are short where there is nothing to say, however long the answer takes', async () => {
    const waits = [1, 2, 3, 4].map(() => begin('dashboard', '/api/v1/sandboxes/default/box/wait'));
    for (const call of waits) call.end(Buffer.alloc(16 * MIB - 1, ' '));
    expect(await Promise.all(waits.map(statusOf))).toEqual([413, 413, 413, 413]);
    expect(await create('other', 'first')).toBe(201);
  });

  it('are short of who may only read, and so is refused', async () => {
    const call = begin('dashboard', '/api/v1/sandboxes');
    call.end(Buffer.alloc(MIB, ' '));
    expect(await statusOf(call)).toBe(413);
    expect(await create('dashboard', 'second')).toBe(403);
  });

  it('take no more than its share: those of others have room', async () => {
    const long = [1, 2, 3].map(() => begin('ci', '/api/v1/sandboxes'));
    for (const call of long) call.write(Buffer.alloc(15 * MIB, ' '));
    expect(await Promise.race(long.map(statusOf))).toBe(429);
    expect(await create('other', 'third')).toBe(201);
    for (const call of long) call.destroy();
  });
});
