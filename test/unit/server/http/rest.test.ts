import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

/** What the REST API says to requests that are not as they should be, and how its streams begin and end. */
describe('the REST API', () => {
  let inner: HostCore;
  let served: ServedCore;

  beforeAll(async () => {
    inner = hostCore();
    served = await serveAndConnect(inner, 'tcp');
  });

  afterAll(async () => {
    await served.close();
    await inner.close();
  });

  afterEach(async () => {
    for (const sandbox of await inner.sandboxes.list({})) await inner.sandboxes.delete(sandbox, { grace: 0 });
  });

  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://${served.servers.http[0]}${path}`, init);

  const json = (body: unknown, method = 'POST', headers: Record<string, string> = {}): RequestInit => ({
    ...{ method, body: typeof body === 'string' ? body : JSON.stringify(body) },
    headers: { 'content-type': 'application/json', ...headers },
  });

  const errorOf = async (answer: Response): Promise<{ code: string; message: string; hint?: string }> =>
    ((await answer.json()) as { error: { code: string; message: string } }).error;

  const makeBox = (name: string, more: object = {}): Promise<Response> =>
    ask('/api/v1/sandboxes', json({ name, ...more, spec: { image: 'host', command: ['sleep', '1000'] } }));

  it.each([
    ['POST', '/api/v1/sandboxes/a/b', 'GET, HEAD, PATCH, DELETE'],
    ['PUT', '/api/v1/sandboxes', 'POST, GET, HEAD'],
    ['GET', '/api/v1/sandboxes/a/b/start', 'POST'],
    ['HEAD', '/api/v1/events', 'GET'],
    ['GET', '/api/v1/agent/create', 'POST'],
  ])('names the methods of a path that %s %s does not know', async (method, path, allow) => {
    const answer = await ask(path, { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
  });

  it.each(['/api/v1/nothing', '/api/v1/sandboxes/a', '/api/v1/sandboxes//b', '/api/v1/', '/api/v1/pools/'])(
    'has nothing at %s',
    async (path) => {
      const answer = await ask(path);
      expect([answer.status, (await errorOf(answer)).code]).toEqual([404, 'not_found']);
    },
  );

  it.each(['/api/v1/sandboxes', '/openapi.json'])(
    'answers HEAD of %s as GET, without the body',
    async (path) => {
      const answer = await ask(path, { method: 'HEAD' });
      expect([answer.status, await answer.text()]).toEqual([200, '']);
      expect(answer.headers.get('content-type')).toContain('application/json');
    },
  );

  it.each<[string, unknown, string, string?]>([
    ['an unknown key', { spec: { image: 'host', comand: [] } }, 'spec.comand', 'spec.command'],
    ['a key in the wrong place', { image: 'host', spec: {} }, 'unknown key image', 'spec.image'],
    ['a wrong value', { spec: { image: 'host', resources: { memory: '1k' } } }, 'spec.resources.memory'],
    ['a wrong type', { spec: { image: 'host', tty: 'yes' } }, 'spec.tty: must be true or false'],
    ['nothing', undefined, 'is missing'],
    ['a list', [], 'must be a map'],
    ['null', null, 'must be a map'],
    ['a key of every object', { __proto__: 1, spec: { image: 'host', constructor: 1 } }, 'spec.constructor'],
  ])('refuses %s in a body', async (_, body, message, hint) => {
    const answer = await ask('/api/v1/sandboxes', body === undefined ? { method: 'POST' } : json(body));
    const error = await errorOf(answer);
    expect([answer.status, error.code]).toEqual([400, 'invalid_argument']);
    expect(error.message).toContain(message);
    if (hint !== undefined) expect(error.hint).toBe(`Did you mean ${hint}?`);
  });

  const plain = JSON.stringify({ spec: { image: 'host', command: ['true'] } });
  it.each<[string, number, string, Record<string, string>, (string | Buffer)?]>([
    ['that is gzipped', 415, '"gzip"', { 'content-encoding': 'gzip' }, gzipSync(plain)],
    ['that is said to be gzipped', 415, '"gzip"', { 'content-encoding': 'gzip' }],
    ['in another charset', 415, '"utf-16"', { 'content-type': 'application/json; charset=utf-16' }],
    ['that is no UTF-8', 400, 'not valid UTF-8', {}, Buffer.from(plain.replace('true', '\xff'), 'latin1')],
  ])('refuses a body %s', async (_, status, words, headers, body = plain) => {
    const said = { 'content-type': 'application/json', ...headers };
    const answer = await ask('/api/v1/sandboxes', { method: 'POST', body, headers: said });
    expect([answer.status, (await errorOf(answer)).message]).toEqual([
      status,
      expect.stringContaining(words),
    ]);
    expect(await inner.sandboxes.list({})).toEqual([]);
  });

  it.each(['identity', ''])('takes UTF-8 that says so, and content encoding %j', async (coding) => {
    const headers = {
      'content-type': 'application/json;charset="UTF-8"',
      ...(coding && { 'content-encoding': coding }),
    };
    const answer = await ask('/api/v1/sandboxes', { method: 'POST', body: plain, headers });
    expect(answer.status).toBe(201);
  });

  it('creates what goes with its run, and says that nobody will attach to it', async () => {
    const create = vi.spyOn(inner.sandboxes, 'create');
    const answer = await makeBox('going', { auto_remove: true, detached: true });
    expect(answer.status).toBe(201);
    expect(create.mock.calls[0]![0]).toMatchObject({ autoRemove: true, detached: true });
    const update = vi.spyOn(inner.sandboxes, 'update');
    const left = await ask('/api/v1/sandboxes/default/going', json({ detached: true }, 'PATCH'));
    expect([left.status, update.mock.lastCall![1]]).toEqual([200, { detached: true }]);
  });

  it('creates and starts with the size of a terminal', async () => {
    const [create, start] = [vi.spyOn(inner.sandboxes, 'create'), vi.spyOn(inner.sandboxes, 'start')];
    const size = { rows: 27, cols: 93 };
    expect((await makeBox('sized', { size })).status).toBe(201);
    expect(create.mock.lastCall![0]).toMatchObject({ size });
    for (const body of [{}, json({ size })])
      expect((await ask('/api/v1/sandboxes/default/sized/start', { method: 'POST', ...body })).status).toBe(
        200,
      );
    expect(start.mock.calls.map(([, options]) => options?.size)).toEqual([undefined, size]);
  });

  it('refuses a body that is no JSON, is declared as something else, or is too long', async () => {
    expect((await ask('/api/v1/sandboxes', json('{'))).status).toBe(400);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const other = await ask('/api/v1/sandboxes', json({}, 'POST', form));
    expect([other.status, (await errorOf(other)).hint]).toEqual([
      415,
      'Send the header Content-Type: application/json.',
    ]);
    const long = await ask('/api/v1/sandboxes', json(`"${'x'.repeat(17 * 1024 * 1024)}"`));
    expect(long.status).toBe(413);
  });

  it('ends what waits with the deadline of its caller', async () => {
    await makeBox('box');
    const wait = (timeout: string) =>
      ask('/api/v1/sandboxes/default/box/wait', { method: 'POST', headers: { 'grpc-timeout': timeout } });
    const over = await wait('50m');
    expect([over.status, (await errorOf(over)).code]).toEqual([504, 'timeout']);
    expect((await wait('soon')).status).toBe(400);
    const watch = await ask('/api/v1/watch', { headers: { 'grpc-timeout': '50m' } });
    expect((await watch.text()).trim().split('\n').at(-1)).toContain('"code":"timeout"');
    const log = await ask('/api/v1/sandboxes/default/box/logs?follow=true', {
      headers: { 'grpc-timeout': '200m' },
    });
    // Over before the log had begun, or in its midst.
    expect(await log.text().catch(({ message }) => message)).toMatch(/"code":"timeout"|terminated/);
    expect((await inner.sandboxes.get({ namespace: 'default', name: 'box' })).state.phase).toBe('Running');
  });

  it('takes a tar, as it comes, and no other body for it', async () => {
    const upload = (query: string, type: string): Promise<Response> => {
      const content = new Blob([new Uint8Array(300_000)]).stream();
      const terms = { method: 'POST', body: content, headers: { 'content-type': type }, duplex: 'half' };
      return ask(`/api/v1/images/import${query}`, terms as RequestInit);
    };
    const made = await upload('?name=mine', 'application/x-tar');
    expect([made.status, await made.json()]).toMatchObject([
      201,
      { items: [{ references: ['mine'], size_bytes: 300_000 }] },
    ]);
    expect((await upload('', 'application/json')).status).toBe(415);
    const changes = await upload('?changes=CMD x', 'application/x-tar');
    expect(await errorOf(changes)).toMatchObject({ hint: 'Add rootfs=true.' });
  });

  it('saves images as a tar, and says in time that one is not there', async () => {
    const save = (reference: string) => ask('/api/v1/images/save', json({ references: [reference] }));
    const saved = await save('host');
    expect([saved.headers.get('content-type'), (await saved.arrayBuffer()).byteLength]).toEqual([
      'application/x-tar',
      100_004,
    ]);
    const missing = await save('none');
    expect([missing.status, (await errorOf(missing)).code]).toEqual([404, 'image_not_found']);
  });

  it('refuses a body where none belongs', async () => {
    await makeBox('box');
    const answer = await ask('/api/v1/sandboxes/default/box/pause', json({ grace: 1 }));
    expect(await errorOf(answer)).toMatchObject({ message: expect.stringContaining('unknown key grace') });
    expect((await ask('/api/v1/sandboxes/default/box/start', json({}))).status).toBe(200);
  });

  it.each([
    ['?namspace=x', 'unknown key namspace'],
    ['?namespace=a&namespace=b', 'must be given once'],
    ['?namespace=a&all_namespaces=true', 'both given'],
    ['?all_namespaces=yes', 'must be true or false'],
    ['?limit=-1', 'must be a whole number'],
    ['?limit=1e3', 'must be a whole number'],
    ['?phase=Runing', 'must be one of Pending'],
    ['?labels=team', 'must be KEY=VALUE'],
    ['?page_token=x', 'page token'],
    ['?__proto__=x', 'unknown key __proto__'],
  ])('refuses the query %s', async (query, message) => {
    const answer = await ask(`/api/v1/sandboxes${query}`);
    expect(answer.status).toBe(400);
    expect((await errorOf(answer)).message).toContain(message);
  });

  it('takes the words for a phase in any case', async () => {
    await makeBox('a');
    const page = await (await ask('/api/v1/sandboxes?phase=running,exited')).json();
    expect(page).toMatchObject({ items: [{ name: 'a' }] });
  });

  it.each([
    'sandboxes/default/nope/exec?command=true',
    'sandboxes/default/nope/attach',
    'sandboxes/default/nope/portforward?port=1',
    'pools/nope/run',
    'leases/nope/exec',
  ])('says that %s is a stream to who asks without an upgrade', async (path) => {
    const answer = await ask(`/api/v1/${path}`);
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(await errorOf(answer)).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('WebSocket'),
      hint: expect.stringContaining('Upgrade: websocket'),
    });
  });

  it('lists in pages, of one namespace or of all', async () => {
    for (const name of ['a', 'b', 'c']) await makeBox(name);
    await makeBox('d', { namespace: 'other' });
    const names = async (query: string): Promise<[string[], string | null]> => {
      const page = await (await ask(`/api/v1/sandboxes${query}`)).json();
      const { items, next_page_token } = page as {
        items: { name: string }[];
        next_page_token: string | null;
      };
      return [items.map(({ name }) => name), next_page_token];
    };
    expect(await names('')).toEqual([['a', 'b', 'c'], null]);
    expect(await names('?namespace=other')).toEqual([['d'], null]);
    const [first, token] = await names('?all_namespaces=true&limit=2');
    expect(first).toEqual(['a', 'b']);
    // Gone or new in between: nobody else is told twice or left out.
    await inner.sandboxes.delete({ namespace: 'default', name: 'b' }, { grace: 0 });
    await makeBox('aa');
    expect(await names('?all_namespaces')).toEqual([['a', 'aa', 'c', 'd'], null]);
    expect(await names('?all_namespaces=0')).toEqual([['a', 'aa', 'c'], null]);
    expect(await names(`?all_namespaces=true&limit=2&page_token=${token}`)).toEqual([['c', 'd'], null]);
  });

  it('tells events as server-sent events where they are asked for, and goes on after the last one', async () => {
    await inner.pools.create({ name: 'ci' });
    const read = async (headers: Record<string, string>, query = ''): Promise<string> =>
      (await ask(`/api/v1/events?follow=false${query}`, { headers })).text();
    const lines = (await read({})).trim().split('\n');
    const sse = await read({ accept: 'text/event-stream' });
    expect(lines.length).toBeGreaterThan(0);
    expect(sse).toBe(lines.map((line) => `id: ${JSON.parse(line).seq}\ndata: ${line}\n\n`).join(''));
    const last = String(JSON.parse(lines.at(-1)!).seq);
    expect(await read({ 'last-event-id': last })).toBe('');
    expect(await read({}, `&after=${last}`)).toBe('');
  });

  it('begins a stream of events at once, and ends it when the core goes away', async () => {
    const own = hostCore();
    const other = await serveAndConnect(own, 'tcp');
    try {
      const answer = await fetch(`http://${other.servers.http[0]}/api/v1/events`);
      expect(answer.status).toBe(200);
      await other.close();
      expect(JSON.parse(await answer.text())).toMatchObject({ error: { code: 'unavailable' } });
    } finally {
      await own.close();
    }
  });

  it('lets go of what a client waited for when the client leaves', async () => {
    await makeBox('box');
    const leaving = new AbortController();
    const wait = ask('/api/v1/sandboxes/default/box/wait', { method: 'POST', signal: leaving.signal });
    leaving.abort();
    await expect(wait).rejects.toMatchObject({ name: 'AbortError' });
    expect((await ask('/api/v1/sandboxes/default/box')).status).toBe(200);
  });

  it('decodes what stands in a path', async () => {
    const broken = await ask('/api/v1/images/%zz');
    expect([broken.status, (await errorOf(broken)).message]).toEqual([
      400,
      expect.stringContaining('broken escape'),
    ]);
    const missing = await ask(`/api/v1/images/${encodeURIComponent('localhost:5000/team/tool:1')}`);
    expect((await errorOf(missing)).message).toContain('localhost:5000/team/tool:1');
  });
});
