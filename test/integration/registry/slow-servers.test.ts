import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sha256 } from '../../helpers/image/image-files.ts';
import { type ClientFixture, createClient, readWhole } from '../../helpers/image/registry/client-fixture.ts';
import { type Listening, listen } from '../../helpers/image/registry/listening.ts';

const content = Buffer.alloc(1000, 7);
const blob = { digest: sha256(content), size: content.length };

let time: number;
let drips: () => void;
let client: ClientFixture;
let server: Listening;
let answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void;

beforeEach(async () => {
  time = 0;
  drips = () => undefined;
  client = await createClient({ monotonic: () => time });
  server = await listen(createServer((incoming, outgoing) => answer(incoming, outgoing)));
  await client.configure(`registries: { "${server.address}": { insecure: true } }`);
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

const open = () => client.open(server.address, 'tool');

/** A byte comes every ten seconds, for ever. */
function drip(outgoing: ServerResponse): void {
  outgoing.writeHead(200);
  const next = (): void => {
    if (outgoing.destroyed) return;
    time += 10_000;
    drips();
    outgoing.write(' ', () => setImmediate(next));
  };
  next();
}

function demand(outgoing: ServerResponse): void {
  const challenge = `Bearer realm="http://${server.address}/token",service="s"`;
  outgoing.writeHead(401, { 'www-authenticate': challenge, 'content-length': 2 }).end('no');
}

it('24 reads of which the token is refused at the same time all go on with another one', async () => {
  let tokens = 0;
  let good = 'token1';
  answer = ({ url, headers }, outgoing) => {
    if (url!.startsWith('/token')) {
      tokens += 1;
      outgoing.end(JSON.stringify({ token: `token${tokens}`, expires_in: 300 }));
    } else if (headers.authorization === `Bearer ${good}`) outgoing.end(content);
    else demand(outgoing);
  };
  const repositories = await Promise.all(Array.from({ length: 24 }, open));
  for (const repository of repositories) await readWhole(repository, blob);
  good = 'token2';
  const read = await Promise.all(repositories.map((repository) => readWhole(repository, blob)));
  expect(read.every((bytes) => bytes.equals(content))).toBe(true);
  expect(tokens).toBe(2);
});

it('a token fetch that nobody waits for any more ends, and the next one does not wait for it', async () => {
  let tokens = 0;
  let ended = (): void => undefined;
  const firstEnded = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let asked = (): void => undefined;
  const firstAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  answer = ({ url, headers }, outgoing) => {
    if (headers.authorization) return void outgoing.end(content);
    if (!url!.startsWith('/token')) return demand(outgoing);
    tokens += 1;
    if (tokens > 1) return void outgoing.end(JSON.stringify({ token: 'token' }));
    outgoing.on('close', ended);
    asked();
  };
  const leaving = new AbortController();
  const first = readWhole(await open(), blob, { signal: leaving.signal });
  await firstAsked;
  leaving.abort();
  await expect(first).rejects.toMatchObject({ code: 'cancelled' });
  expect((await readWhole(await open(), blob)).equals(content)).toBe(true);
  await firstEnded;
});

it.each(['token', 'manifest'])('a %s that drips is given up after a minute', async (what) => {
  answer = ({ url, headers }, outgoing) => {
    if (url!.startsWith('/token') || headers.authorization || what === 'manifest') drip(outgoing);
    else demand(outgoing);
  };
  const told: string[] = [];
  const reading = (await open()).manifest('latest', { onRetry: (why) => told.push(why) });
  await expect(reading).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('not all of it came within 60 s'),
  });
  expect(told).toHaveLength(4);
});

it('a blob that drips is cut, and that is no progress', async () => {
  answer = (_, outgoing) => drip(outgoing);
  await expect(readWhole(await open(), blob)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/only \d+ bytes came within 60 s/),
  });
  expect(client.waits).toEqual([500, 1000, 2000, 4000]);
});

it('a byte per connection is no progress', async () => {
  answer = ({ headers }, outgoing) => {
    const start = Number(/\d+/.exec(headers.range ?? '0')![0]);
    const range = { 'content-range': `bytes ${start}-${blob.size - 1}/${blob.size}` };
    outgoing.writeHead(start > 0 ? 206 : 200, { ...range, 'content-length': blob.size - start });
    outgoing.write(' ', () => outgoing.socket?.end());
  };
  await expect(readWhole(await open(), blob)).rejects.toMatchObject({ code: 'unavailable' });
  expect(client.waits).toEqual([500, 1000, 2000, 4000]);
});

it('close ends a login whose server drips', async () => {
  answer = ({ url }, outgoing) => {
    if (url!.startsWith('/token')) drip(outgoing);
    else demand(outgoing);
  };
  const dripping = new Promise<void>((resolve) => {
    drips = () => {
      time = 0;
      resolve();
    };
  });
  const login = client.registries.login(server.address, { username: 'ada', password: 'secret' });
  login.catch(() => undefined);
  await dripping;
  await client.registries.close();
  await expect(login).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('closing'),
  });
});
