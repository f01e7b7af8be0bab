/** Messages over gRPC that are begun and do not come to their end. */
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/model/clock.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256 } from '../../helpers/core/secure-core.ts';

const MIB = 1024 * 1024;
const LONGEST = 4 * MIB;
const [INVALID_ARGUMENT, RESOURCE_EXHAUSTED] = ['3', '8'];
const tokenOf = (name: string): string => `token-of-the-tests-${name}`;
const entry = (name: string, scope: string) => ({ name, sha256: sha256(tokenOf(name)), scopes: [scope] });

/** A second of it is a moment. */
const clock = {
  ...systemClock,
  after: (ms: number, callback: () => void) => systemClock.after(ms / 6, callback),
};

let inner: HostCore;
let place: SecureCore;
let session: ClientHttp2Session;
beforeAll(async () => {
  inner = hostCore();
  const tokens = [entry('ci', 'use'), entry('other', 'use'), entry('reader', 'read')];
  place = await serveSecurely(inner, { list: { tokens }, clock });
  session = connect(`https://${place.servers.grpc[0]}`, {
    ...{ ca: readFileSync(place.authority.ca), maxSessionMemory: 1024 },
  });
  session.on('error', () => {});
});
afterAll(async () => {
  session.destroy();
  await place[Symbol.asyncDispose]();
  await inner.close();
});

const methods = {
  list: '/fastpath.v1.FastPathService/ListSandboxes',
  lease: '/fsb.v1.PoolService/Lease',
  health: '/grpc.health.v1.Health/Check',
} as const;

interface Asked {
  method?: keyof typeof methods;
  token?: string;
  /** Bytes that it will have, as it says. */
  length: number;
  /** Bytes that come of it. */
  comes: number;
}

/** A message that is begun. @returns the status of the answer; undefined: there is one */
function begin({ method = 'list', token, length, comes }: Asked): Promise<unknown> {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': methods[method], 'content-type': 'application/grpc', te: 'trailers' },
    ...(token && { authorization: `Bearer ${tokenOf(token)}` }),
  });
  stream.on('error', () => {});
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  stream.write(Buffer.concat([head, Buffer.alloc(comes)]));
  if (comes === length) stream.end();
  return new Promise((resolve) =>
    stream.once('response', (headers: IncomingHttpHeaders) => resolve(headers['grpc-status'])),
  );
}

it('have no more memory than the share of their caller, and that for a while', {
  timeout: 30_000,
}, async () => {
  const stalled = { token: 'ci', length: LONGEST, comes: LONGEST - 100 };
  const begun = Array.from({ length: 12 }, () => begin(stalled));
  expect(await Promise.race(begun)).toBe(RESOURCE_EXHAUSTED);
  expect(await place.client({ token: tokenOf('other') }).sandboxes.list({})).toEqual([]);
  const statuses = await Promise.all(begun);
  expect(statuses.filter((status) => status === RESOURCE_EXHAUSTED).length).toBeGreaterThanOrEqual(4);
  expect(statuses.filter((status) => status === INVALID_ARGUMENT).length).toBeGreaterThanOrEqual(4);
  expect(await begin({ token: 'ci', length: 0, comes: 0 })).toBeUndefined();
});

it.each<[string, Asked]>([
  ['of nobody, where nobody needs to be known', { method: 'health', length: LONGEST, comes: 8192 }],
  ['of who may only read', { token: 'reader', length: LONGEST, comes: 128 * 1024 }],
])('are short: %s', async (_, asked) => {
  expect(await begin(asked)).toBe(RESOURCE_EXHAUSTED);
});

it('are waited for also where more messages may follow', async () => {
  expect(await begin({ method: 'lease', token: 'ci', length: 100, comes: 1 })).toBe(INVALID_ARGUMENT);
});
