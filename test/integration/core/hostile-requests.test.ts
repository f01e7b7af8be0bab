import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { corePaths } from '../../../src/core/model/paths.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { Workbench } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

const bench = new Workbench();
let core: RealCore;
let box: Sandbox;
let socket: string;

beforeAll(async () => {
  core = await startRealCore({ pool: { warm: [{ image: 'host', count: 1 }] } });
  bench.use(core.remote);
  box = await core.remote.sandboxes.create({
    ...{ namespace: 'default', name: 'box' },
    spec: { image: 'host', command: ['sleep', '1000'] },
  });
  socket = corePaths({ FSB_ROOT: core.root }, 0).httpSocket;
});
afterAll(() => core.close());

/** The status of an answer, and its error, code and message; the sandbox that is there is what it was. */
async function ask(method: string, path: string, body = ''): Promise<string> {
  const headers = { 'Content-Type': 'application/json' };
  const call = request({ socketPath: socket, method, path, agent: false, ...(body && { headers }) });
  call.end(Buffer.from(body, 'latin1'));
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  const { error } = JSON.parse((await text(answer)) || '{}');
  expect(await core.remote.sandboxes.list({})).toMatchObject([
    { id: box.id, name: 'box', state: { phase: 'Running' } },
  ]);
  return error === undefined
    ? `${answer.statusCode}`
    : `${answer.statusCode} ${error.code}: ${error.message}`;
}
const post = (path: string, body: string) => ask('POST', path, body);

const BOX = '/api/v1/sandboxes/default/box';

it.each([
  // What is left when `..` is resolved, as a browser does it; an escaped slash is a part of a name.
  ['GET', BOX, '200'],
  ['GET', '/api/v1/sandboxes/default/../default/box', '200'],
  ['GET', '/api/v1/sandboxes/../../../etc/passwd', '404 not_found'],
  ['GET', '/api/v1/sandboxes/default/..%2fdefault%2fbox', '404 not_found'],
  ['GET', '/api/v1/sandboxes/default/%2e%2e', '404 not_found'],
  ['GET', '/api/v1/sandboxes/..%2f..%2f/etc', '404 not_found'],
  ['GET', `${BOX}%00`, '404 not_found'],
  ['GET', '/api/v1/sandboxes/%00/%00', '404 not_found'],
  ['GET', '/api/v1/sandboxes/default/%ff', '400 invalid_argument'],
  ['GET', '/api/v1/sandboxes/default/__proto__', '404 not_found'],
  ['GET', `/api/v1/sandboxes/default/${'x'.repeat(300)}`, '404 not_found'],
  ['GET', `${BOX}%00/logs`, '404 not_found'],
  ['GET', '/api/v1/sandboxes/default/..%2fbox/logs', '404 not_found'],
  ['GET', `${BOX}/logs?tail=-1`, '400 invalid_argument'],
  ['DELETE', `${BOX}%00`, '404 not_found'],
  ['DELETE', '/api/v1/sandboxes/default/..%2fbox', '404 not_found'],
  ['DELETE', '/api/v1/sandboxes/default/%2e', '404 not_found'],
  ['DELETE', '/api/v1/pools/..%2fdefault-pool', '404 not_found'],
  ['DELETE', '/api/v1/pools/%00', '404 not_found'],
  ['GET', '/api/v1/pools/constructor', '404 not_found'],
  ['GET', '/api/v1/images/..%2f..%2frecords', '400 invalid_argument'],
  ['DELETE', '/api/v1/images/host%00', '400 invalid_argument'],
  ['DELETE', '/api/v1/leases/..%2f..%2fx', '404 not_found'],
])('%s %s: %s', async (method, path, expected) => {
  expect(await ask(method, path)).toMatch(new RegExp(`^${expected}(: |$)`));
});

const spec = '"spec":{"image":"host","command":["sleep","9"]}';
const withSpec = (fields: string): string => `{"name":"b","spec":{"image":"host",${fields}}}`;
const SANDBOXES = '/api/v1/sandboxes';

it.each([
  ['nothing', '', 'body'],
  ['a part of JSON', '{', 'JSON'],
  ['null', 'null', 'body'],
  ['a list', '[]', 'body'],
  ['what objects inherit', '{"__proto__":{"name":"x"}}', 'spec'],
  ['lists in lists', '['.repeat(100_000), 'JSON'],
  ['maps in maps', '{"a":'.repeat(50_000), 'JSON'],
  ['bytes that are no text', '\xff\xfe', 'UTF-8'],
  ['a NUL in a name', `{"name":"a\\u0000b",${spec}}`, 'name'],
  ['a path for a name', `{"name":"../b",${spec}}`, 'name'],
  ['a path for a namespace', `{"name":"b","namespace":"..",${spec}}`, 'namespace'],
  ['a name without end', `{"name":"${'b'.repeat(5000)}",${spec}}`, 'name'],
  ['a NUL in a command', withSpec('"command":["a\\u0000b"]'), 'command'],
  ['a NUL in an image', '{"name":"b","spec":{"image":"host\\u0000"}}', 'image'],
  ['a path for an image', '{"name":"b","spec":{"image":"../../etc"}}', 'image'],
  ['a NUL in a directory', withSpec('"working_dir":"a\\u0000b"'), 'working_dir'],
  ['a NUL in a variable', withSpec('"envs":{"A\\u0000":"b"}'), 'envs'],
  ['a NUL in a value', withSpec('"envs":{"A":"\\u0000"}'), 'envs'],
  ['a NUL in a user', withSpec('"user":"a\\u0000"'), 'user'],
  ['a number without end', withSpec('"resources":{"pids":1e308}'), 'pids'],
  ['a time before now', withSpec('"ttl":-1'), 'ttl'],
])('POST /api/v1/sandboxes with %s', async (_, body, about) => {
  expect(await post(SANDBOXES, body)).toMatch(new RegExp(`^400 invalid_argument: .*${about}`));
});

it.each([
  [SANDBOXES, `{"name":"box","namespace":"default",${spec}}`, '409 already_exists: .*box'],
  ['/api/v1/pools', '{"name":"a\\u0000"}', '400 invalid_argument: .*name'],
  ['/api/v1/pools', '{"name":"../../x"}', '400 invalid_argument: .*name'],
])('POST %s with %s', async (path, body, expected) => {
  expect(await post(path, body)).toMatch(new RegExp(`^${expected}`));
});
