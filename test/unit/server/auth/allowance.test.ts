import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { get } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '../../../../src/core/model/failure/errors.ts';
import { Allowance } from '../../../../src/core/server/auth/allowance.ts';
import { errorOf, execOf } from '../../../contract/workbench.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256 } from '../../../helpers/core/secure-core.ts';

const MOST_CALLS = 1024;
const RESOURCE_EXHAUSTED = '8';
const tokenOf = (name: string): string => `token-of-the-tests-${name}`;
const entry = (name: string) => ({ name, sha256: sha256(tokenOf(name)), scopes: ['use'] });

it('counts by caller, and takes each thing back once', () => {
  const allowance = new Allowance(2, 'calls open');
  const [first] = [allowance.take('ci'), allowance.take('ci')] as const;
  expect(() => allowance.assertRoom('ci')).toThrow('ci has 2 calls open, as many as one caller may have');
  allowance.assertRoom('other');
  first();
  first();
  allowance.assertRoom('ci');
  allowance.take('ci');
  expect(() => allowance.assertRoom('ci')).toThrow(/2 calls open/);
});

describe('a caller that is known', () => {
  let inner: HostCore;
  let place: SecureCore;
  const sessions: ClientHttp2Session[] = [];
  beforeAll(async () => {
    inner = hostCore();
    place = await serveSecurely(inner, {
      list: { tokens: [entry('ci'), entry('other')] },
      metrics: '127.0.0.1:0',
    });
  });
  afterAll(async () => {
    for (const session of sessions) session.destroy();
    await place[Symbol.asyncDispose]();
    await inner.close();
  });

  /** A gRPC client whose window is shut: no answer goes through it, only how calls end. */
  function deafSession(): ClientHttp2Session {
    const session = connect(`https://${place.servers.grpc[0]}`, {
      ca: readFileSync(place.authority.ca),
      settings: { initialWindowSize: 0 },
    });
    session.on('error', () => {});
    sessions.push(session);
    return session;
  }

  /** Resolves with the headers of the answer. */
  const list = (session: ClientHttp2Session): Promise<IncomingHttpHeaders> =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ...{ ':method': 'POST', ':path': '/fastpath.v1.FastPathService/ListSandboxes' },
        ...{ 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${tokenOf('ci')}` },
      });
      stream.once('response', resolve).once('error', reject);
      stream.end(Buffer.alloc(5));
    });

  const refusals = async (): Promise<number> => {
    const text = await (await fetch(`http://${place.servers.metrics}/metrics`)).text();
    return Number(/^fsb_refused_calls_total\{reason="no_capacity"\} (\d+)/m.exec(text)?.[1] ?? 0);
  };

  it('has so many answers waiting that it does not read, and no more; its streams and others are served', async () => {
    const ref = { namespace: 'default', name: 'box' };
    const client = place.client({ token: tokenOf('ci') });
    await client.sandboxes.create({ ...ref, spec: { image: 'host', command: ['sleep', '1000'] } });
    const session = deafSession();
    const answers = await Promise.all(Array.from({ length: MOST_CALLS }, () => list(session)));
    expect(answers.filter((headers) => headers['grpc-status'] !== undefined)).toEqual([]);
    const before = await refusals();

    expect(await list(deafSession())).toMatchObject({ 'grpc-status': RESOURCE_EXHAUSTED });
    const refused = await errorOf(client.sandboxes.list({}));
    expect(refused).toMatchObject({
      ...{ code: 'no_capacity', hint: expect.stringContaining('Try again') },
      message: `ci has ${MOST_CALLS} calls open, as many as one caller may have at once`,
    });
    const { status } = await fetchSecurely('/api/v1/sandboxes');
    expect(status).toBe(errorCodes.no_capacity.http);
    expect(await refusals()).toBe(before + 3);

    await using command = await client.sandboxes.exec(ref, execOf(['true']));
    expect(await command.exited).toMatchObject({ code: 0 });
    expect(await place.client({ token: tokenOf('other') }).sandboxes.list({})).toHaveLength(1);
    session.destroy();
    await expect.poll(() => client.sandboxes.list({}).catch(() => [])).toHaveLength(1);
    await client.sandboxes.delete(ref, { grace: 0 });
  });

  /** An HTTP request of ci. */
  const fetchSecurely = (path: string): Promise<{ status: number | undefined }> =>
    new Promise((resolve, reject) => {
      const url = `https://${place.servers.http[0]}${path}`;
      const headers = { authorization: `Bearer ${tokenOf('ci')}` };
      get(url, { ca: readFileSync(place.authority.ca), headers, agent: false }, (response) => {
        response.resume();
        resolve({ status: response.statusCode });
      }).on('error', reject);
    });
});
