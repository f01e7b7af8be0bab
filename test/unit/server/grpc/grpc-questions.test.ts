/** Messages over gRPC that are begun and do not come to their end. */
import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageApi } from '../../../../src/core/api/image-api.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { ImportImageRequest } from '../../../../src/core/wire/gen/fsb/v1/image.ts';
import { ServerReflectionRequest } from '../../../../src/core/wire/gen/grpc/reflection/v1/reflection.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type SecureCore, serveSecurely, sha256 } from '../../../helpers/core/secure-core.ts';

const MIB = 1024 * 1024;
const LONGEST = 4 * MIB;
const [OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED] = ['0', '3', '8'];
const tokenOf = (name: string): string => `token-of-the-tests-${name}`;
const entry = (name: string, scope: string) => ({ name, sha256: sha256(tokenOf(name)), scopes: [scope] });

/** How much faster than the machine's the clock is: less where megabytes have to come in time. */
let pace = 6;
const clock = {
  ...systemClock,
  after: (ms: number, callback: () => void) => systemClock.after(ms / pace, callback),
};

const later = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

/** Bytes of the files that were imported. */
let imported = 0;

/** Takes longer to begin than a message may take. */
const importSlowly: ImageApi['import'] = async ({ source }) => {
  await later(40_000);
  if ('content' in source) for await (const { length } of source.content) imported += length;
  return [];
};

let inner: HostCore;
let place: SecureCore;
let session: ClientHttp2Session;
beforeAll(async () => {
  inner = hostCore();
  inner.images.import = importSlowly;
  const tokens = [entry('ci', 'use'), entry('other', 'use'), entry('reader', 'read'), entry('root', 'admin')];
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
  reflection: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  import: '/fsb.v1.ImageService/Import',
} as const;
type Method = keyof typeof methods;

interface Asked {
  method?: Method;
  token?: string;
  /** Bytes that it will have, as it says. */
  length: number;
  /** Bytes that come of it. */
  comes: number;
}

function open(method: Method, token?: string): ClientHttp2Stream {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': methods[method], 'content-type': 'application/grpc', te: 'trailers' },
    ...(token && { authorization: `Bearer ${tokenOf(token)}` }),
  });
  stream.on('error', () => {});
  return stream;
}

/** A message, as it goes over the wire. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** A message that is begun. @returns the status of the answer; undefined: there is one */
function begin({ method = 'list', token, length, comes }: Asked): Promise<unknown> {
  const stream = open(method, token);
  stream.write(framed(Buffer.alloc(length)).subarray(0, 5 + comes));
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
  expect(await begin(asked)).toBe(INVALID_ARGUMENT);
});

it('are waited for also where more messages may follow', async () => {
  expect(await begin({ method: 'lease', token: 'ci', length: 100, comes: 1 })).toBe(INVALID_ARGUMENT);
});

/** @returns the status with which it ends, after it has begun to answer or before */
const endOf = (stream: ClientHttp2Stream): Promise<unknown> =>
  new Promise((resolve) => {
    const told = (headers: IncomingHttpHeaders): void => {
      if (headers['grpc-status'] !== undefined) resolve(headers['grpc-status']);
    };
    stream.on('response', told).on('trailers', told).resume();
  });

describe('that come slowly', () => {
  beforeAll(() => {
    pace = 30;
  });
  afterAll(() => {
    pace = 6;
  });

  const question = framed(ServerReflectionRequest.encode({ host: 'h', messageRequest: undefined }).finish());

  it('have their time each, and may come after any time', async () => {
    const stream = open('reflection', 'ci');
    const ending = endOf(stream);
    let answers = 0;
    stream.on('data', () => {
      answers += 1;
    });
    for (let asked = 1; asked <= 2; asked++) {
      stream.write(question);
      await expect.poll(() => answers).toBe(asked);
      await later(40_000);
    }
    stream.write(question.subarray(0, 3));
    await later(10_000);
    stream.write(question.subarray(3));
    await expect.poll(() => answers).toBe(3);
    stream.write(Buffer.concat([question, question.subarray(0, 3)]));
    expect(await ending).toBe(INVALID_ARGUMENT);
    expect(answers).toBe(4);
  });

  it('have it when somebody waits for them', async () => {
    const stream = open('import', 'root');
    const ending = endOf(stream);
    const part = (value: ImportImageRequest['part']): Buffer =>
      framed(ImportImageRequest.encode({ part: value }).finish());
    const content = part({ $case: 'content', value: Buffer.alloc(10) });
    const terms = part({ $case: 'terms', value: { rootfs: undefined } });
    stream.write(
      Buffer.concat([terms, ...Array.from({ length: 40 }, () => content), content.subarray(0, 8)]),
    );
    await later(50_000);
    stream.end(content.subarray(8));
    expect(await ending).toBe(OK);
    expect(imported).toBe(410);
  });

  it('are waited for to their end, where there is one', async () => {
    const stream = open('list', 'ci');
    stream.write(framed(Buffer.alloc(0)));
    expect(await endOf(stream)).toBe(INVALID_ARGUMENT);
  });
});
