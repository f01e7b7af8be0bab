/** Every way in, asked by callers of every kind: what is written here must be what the tables of access make of it. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { coreServices } from '../../../../src/core/server/grpc/services.ts';
import { endpoints } from '../../../../src/core/server/http/pool-server/endpoints.ts';
import { table } from '../../../../src/core/server/http/rest/table.ts';
import { closeCodes } from '../../../../src/core/wire/stream/close-codes.ts';
import { subprotocols } from '../../../../src/core/wire/stream/frames.ts';
import { refusingAgent, refusingCore } from '../../../fuzz/refusing-core.ts';
import { type SecureCore, serveSecurely, sha256, TOKEN } from '../../../helpers/core/secure-core.ts';

type Scope = 'read' | 'use' | 'admin';
/** `own`: in a namespace; `node`: of the whole node, for everybody of the scope; `all`: for callers of all namespaces. */
type Reach = 'own' | 'node' | 'all';
type Right = `${Scope} ${Reach}`;

const rest: Record<string, [right: Right, body?: object]> = {
  createSandbox: ['use own', { namespace: 'mine', name: 'box', spec: { image: 'host' } }],
  listSandboxes: ['read own'],
  watchSandboxes: ['read own'],
  getSandbox: ['read own'],
  updateSandbox: ['use own', {}],
  deleteSandbox: ['use own'],
  getSandboxUsage: ['read own'],
  listSandboxUsage: ['read own'],
  startSandbox: ['use own'],
  stopSandbox: ['use own'],
  restartSandbox: ['use own'],
  resetSandbox: ['use own'],
  pauseSandbox: ['use own'],
  unpauseSandbox: ['use own'],
  signalSandbox: ['use own', { signal: 'SIGTERM' }],
  renameSandbox: ['use own', { name: 'other' }],
  waitSandbox: ['read own'],
  listPools: ['read node'],
  createPool: ['admin node', { name: 'p' }],
  getPool: ['read node'],
  updatePool: ['admin node', {}],
  deletePool: ['admin node'],
  startPool: ['admin node'],
  stopPool: ['admin node'],
  drainPool: ['admin node'],
  getPoolStatus: ['read node'],
  listPoolStatus: ['read node'],
  listLeases: ['read all'],
  createLease: ['use all', { pool: 'p' }],
  releaseLease: ['use all'],
  killLease: ['use all'],
  listImages: ['read node'],
  inspectImage: ['read node'],
  pullImage: ['use node', { reference: 'alpine' }],
  importImage: ['admin node'],
  saveImages: ['use node', { references: ['x'] }],
  tagImage: ['admin node', { target: 'x' }],
  removeImage: ['admin node'],
  pruneImages: ['admin node'],
  login: ['use node', { registry: 'r.example', credentials: {} }],
  getInfo: ['read node'],
  getSystemUsage: ['read node'],
  getHealth: ['read node'],
  listRetainedLogs: ['read node'],
  removeRetainedLogs: ['admin node', { sandbox_ids: ['x'] }],
  removeSetAside: ['admin node'],
  watchEvents: ['read node'],
  // They are in the namespace `agent`, which nobody here is kept to.
  agentCreate: ['use all', { sandbox: { sandboxId: 'x', image: 'host' } }],
  agentDelete: ['read all', { sandboxId: 'x' }],
  agentStatus: ['read all'],
  agentLogs: ['read all'],
};

const poolServer: Record<string, [right: Right, query?: string, body?: object]> = {
  'POST /pool/initialize': ['admin all', '', {}],
  'POST /pool/execute': ['use all', 'tool_name=shell_executor', {}],
  'GET /health': ['read node'],
  'GET /stats': ['read node'],
  'GET /tools': ['read node'],
  'POST /sandbox/create': ['use all', '', {}],
  'GET /sandboxes': ['read all'],
  'POST /sandbox/tool/execute': ['use all', '', { sandbox_id: 'x', tool_name: 'shell_executor' }],
  'GET /sandbox/{id}': ['read all'],
  'GET /sandbox/{id}/tools': ['read all'],
  'POST /sandbox/{id}/stop': ['use all'],
  'DELETE /sandbox/{id}': ['use all'],
  'POST /sandbox/{id}/archive': ['use all', 'target_dir=/x'],
};

const streams: Record<string, Right> = {
  'sandboxes/{namespace}/box/logs': 'read own',
  'sandboxes/{namespace}/box/exec?command=true': 'use own',
  'sandboxes/{namespace}/box/attach': 'use own',
  'sandboxes/{namespace}/box/portforward?port=1': 'use own',
  'pools/p/run?command=true&image=x': 'use node',
  'leases/l/exec?command=true': 'use all',
};

const callers: { name: string; scope: Scope; namespaces?: string[] }[] = [
  { name: 'reader', scope: 'read' },
  { name: 'user', scope: 'use' },
  { name: 'admin', scope: 'admin' },
  { name: 'own-reader', scope: 'read', namespaces: ['mine'] },
  { name: 'own-user', scope: 'use', namespaces: ['mine'] },
];
type Caller = (typeof callers)[number];
const tokenOf = ({ name }: Pick<Caller, 'name'>): string => `${name}-token-of-the-tests`;

const ranks: Scope[] = ['read', 'use', 'admin'];

function may({ scope, namespaces }: Caller, right: Right, namespace: string): boolean {
  const [needed, reach] = right.split(' ') as [Scope, Reach];
  if (ranks.indexOf(scope) < ranks.indexOf(needed)) return false;
  if (reach === 'node' || namespaces === undefined) return true;
  return reach === 'own' && namespaces.includes(namespace);
}

let place: SecureCore;
let agent: Agent;
beforeAll(async () => {
  const tokens = callers.map(({ name, scope, namespaces = 'all' }) => ({
    ...{ name, sha256: sha256(tokenOf({ name })), scopes: [scope], namespaces },
  }));
  const root = { name: 'root', sha256: sha256(TOKEN), scopes: ['admin'] };
  place = await serveSecurely(Object.assign(refusingCore(), { agent: refusingAgent() }), {
    list: { tokens: [root, ...tokens] },
  });
  agent = new Agent({ keepAlive: true, ca: readFileSync(place.authority.ca) });
});
afterAll(async () => {
  agent.destroy();
  await place[Symbol.asyncDispose]();
});

interface Question {
  method: string;
  path: string;
  body?: object;
  type?: string;
}

/** The status and the text of an answer. */
async function ask({ method, path, body, type }: Question, token?: string): Promise<[number, string]> {
  const [host, port] = place.servers.http[0]!.split(':');
  const call = request({
    ...{ host, port, method, path, agent },
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': type ?? 'application/json' }),
      ...(!body && type && { 'content-type': type }),
    },
  });
  call.end(body && JSON.stringify(body));
  const [answer] = await once(call, 'response');
  return [answer.statusCode, Buffer.concat(await answer.toArray()).toString()];
}

/** The core that is served has nothing: whoever reaches it is told so, or gets an empty list. */
const reached = ([status, text]: [number, string]): boolean =>
  status < 300 || text.includes('there is nothing here');

async function hold(question: (namespace: string) => Question, right: Right): Promise<void> {
  expect([401, 429]).toContain((await ask(question('mine')))[0]);
  for (const caller of callers)
    for (const namespace of right.endsWith('own') ? ['mine', 'other'] : ['mine']) {
      const answer = await ask(question(namespace), tokenOf(caller));
      const place = `${caller.name} in ${namespace}: ${answer.join(' ')}`;
      if (may(caller, right, namespace)) expect(reached(answer), place).toBe(true);
      else expect([answer[0], reached(answer)], place).toEqual([403, false]);
    }
}

describe('the REST API', () => {
  it('has each of its operations in this table', () => {
    expect(Object.keys(rest).sort()).toEqual(table.map(({ operation }) => operation).sort());
  });

  it.each(Object.entries(rest))('%s', async (operation, [right, body]) => {
    const { method, path, query, isUpload } = table.find((row) => row.operation === operation)!;
    await hold((namespace) => {
      const whole = path.replace('{namespace}', namespace).replaceAll(/\{\w+\}/g, 'x');
      const isAsked = 'namespace' in query.shape;
      const rest = isAsked ? `?namespace=${namespace}` : operation === 'agentLogs' ? '?sandboxId=x' : '';
      const moved = body && 'namespace' in body ? { ...body, namespace } : body;
      const tar = isUpload && { type: 'application/x-tar' };
      return { method, path: `${whole}${rest}`, ...(moved && { body: moved }), ...tar };
    }, right);
  });

  it('all namespaces are those that the caller may see', async () => {
    for (const path of ['/api/v1/sandboxes', '/api/v1/usage', '/api/v1/watch'])
      for (const caller of callers) {
        const answer = await ask({ method: 'GET', path: `${path}?all_namespaces=true` }, tokenOf(caller));
        expect(reached(answer), `${caller.name} ${path}`).toBe(true);
      }
  });

  it('mounts and networks of the node are for administrators, in each request that has them', async () => {
    const parts = [{ mounts: [{ source: '/etc', target: '/x' }] }, { network: 'host' }];
    for (const part of parts) {
      const spec = { image: 'host', ...part };
      const sandbox = { path: '/api/v1/sandboxes', body: { namespace: 'mine', name: 'x', spec } };
      const lease = { path: '/api/v1/leases', body: { pool: 'p', ...part } };
      for (const question of [sandbox, lease].map((each) => ({ method: 'POST', ...each }))) {
        for (const name of ['user', 'own-user'])
          expect(await ask(question, tokenOf({ name }))).toEqual([403, expect.any(String)]);
        expect(reached(await ask(question, tokenOf({ name: 'admin' })))).toBe(true);
      }
    }
  });

  it('the document is for callers', async () => {
    for (const path of ['/openapi.json', '/api/v1/', '/nowhere'])
      expect([401, 429]).toContain((await ask({ method: 'GET', path }))[0]);
    expect((await ask({ method: 'GET', path: '/openapi.json' }, tokenOf(callers[3]!)))[0]).toBe(200);
  });
});

describe('logs over plain HTTP', () => {
  it('are for who may read', () =>
    hold((ns) => ({ method: 'GET', path: `/api/v1/sandboxes/${ns}/box/logs` }), 'read own'));
});

describe('the pool server', () => {
  it('has each of its endpoints in this table', () => {
    expect(Object.keys(poolServer).sort()).toEqual(Object.keys(endpoints).sort());
  });

  it.each(Object.entries(poolServer))('%s', async (route, [right, query = '', body]) => {
    const [method, path] = route.replace('{id}', 'x').split(' ') as [string, string];
    const question: Question = {
      method,
      path: query === '' ? path : `${path}?${query}`,
      ...(body && { body }),
    };
    if (path.endsWith('archive')) question.type = 'application/x-tar';
    for (const caller of callers) {
      const [status] = await ask(question, tokenOf(caller));
      // What it answers without a pool and without sandboxes is its own affair.
      expect(status === 403, `${caller.name}: ${status}`).toBe(!may(caller, right, ''));
    }
    expect([401, 429]).toContain((await ask(question))[0]);
  });
});

describe('streams', () => {
  it.each(Object.entries(streams))('%s', async (template, right) => {
    for (const caller of callers)
      for (const namespace of ['mine', 'other']) {
        const url = `wss://${place.servers.http[0]}/api/v1/${template.replace('{namespace}', namespace)}`;
        const headers = { authorization: `Bearer ${tokenOf(caller)}` };
        const ws = new WebSocket(url, subprotocols.own, { headers, agent });
        const [code] = await once(ws, 'close');
        const isDenied = code === 4403;
        expect(isDenied, `${caller.name} in ${namespace}: ${code}`).toBe(!may(caller, right, namespace));
      }
    expect(closeCodes.done).toBe(1000);
  });
});

describe('gRPC', () => {
  /** What a caller who may read one namespace is let through to, with empty messages: they mean the namespace `default`. */
  const readable = [
    ...['ImageService/List', 'ImageService/Inspect'],
    ...['PoolService/Status', 'PoolService/List', 'PoolService/Get'],
    ...['SystemService/Info', 'SystemService/Usage', 'SystemService/Health', 'SystemService/RetainedLogs'],
    ...['SystemService/Watch', 'ServerReflection/ServerReflectionInfo', 'Health/Check', 'Health/Watch'],
  ];
  const terms = { hasAgent: true, ready: () => true, closing: new AbortController().signal };
  const methods = coreServices(terms).flatMap(({ definition }) => Object.values(definition));

  it.each(methods.map((method) => [method.path, method] as const))('%s', async (path, method) => {
    const ca = readFileSync(place.authority.ca);
    const client = new Client(place.servers.grpc[0]!, credentials.createSsl(ca));
    const codeOf = (token: string | undefined): Promise<number> =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        if (token) metadata.set('authorization', `Bearer ${token}`);
        const call = client.makeBidiStreamRequest(
          path,
          () => Buffer.alloc(0),
          (bytes) => bytes,
          metadata,
        );
        call.on('data', () => call.cancel());
        call.on('error', ({ code }: { code: number }) => resolve(code));
        call.on('status', ({ code }) => resolve(code));
        call.write({});
        call.end();
      });
    const isOpen = path.startsWith('/grpc.health');
    if (!isOpen) expect([16, 8], 'a stranger').toContain(await codeOf(undefined));
    const code = await codeOf(tokenOf({ name: 'own-reader' }));
    const short = path.split('.').at(-1)!;
    // 3: it was refused before anybody was asked for it.
    if (readable.includes(short)) expect([0, 1, 3, 5], 'a reader').toContain(code);
    else expect([7, 3], 'a reader').toContain(code);
    expect(method.path).toBe(path);
    client.close();
  });
});
