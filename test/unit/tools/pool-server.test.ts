import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { PoolEvent } from '../../../src/core/model/pool/pool.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedPoolServer, servePoolServer } from '../../helpers/pool/served-pool-server.ts';

let core: HostCore;
let served: ServedPoolServer;
beforeEach(async () => {
  core = hostCore(['host', 'other']);
  served = await servePoolServer(core);
});
afterEach(async () => {
  await served.close();
  await core.close();
});

const initialize = (query: string, body?: unknown) =>
  served.ask('POST', `/pool/initialize?${query}`, { body });
const execute = (command: unknown, query = '', more: object = {}) =>
  served.ask('POST', `/pool/execute?tool_name=shell_executor${query}`, { body: { command }, ...more });

/** Resolves with the first event of the pool that is of this type, from now on. */
function nextEvent(type: PoolEvent['type']): Promise<void> {
  const find = async (): Promise<void> => {
    for await (const { event } of core.system.events({ pool: 'tool-pool' })) if (event.type === type) return;
  };
  return find();
}

describe('POST /pool/initialize', () => {
  it('makes a pool of its own, and tells who is up', async () => {
    const { status, body } = await initialize('pool_size=3&sandbox_type=docker');
    expect(status).toBe(200);
    expect(body).toMatchObject({ pool_size: 3, missing: 0, reasons: [], warnings: [] });
    const { instances, policy } = await core.pools.get('tool-pool');
    expect(body.sandbox_ids).toEqual(instances.map(({ id }) => id));
    expect(policy).toMatchObject({
      reuse: 'sticky',
      onEmpty: 'wait',
      warm: [{ image: 'host', count: 3 }],
      capacity: { max: 3 },
    });
  });

  it('resizes what is there, and keeps what the call does not name', async () => {
    await initialize('pool_size=1', { image: 'other', memory_limit: '64m', cpu_limit: 0.5 });
    const { body } = await initialize('pool_size=2');
    expect(body.sandbox_ids).toHaveLength(2);
    expect((await core.pools.get('tool-pool')).policy).toMatchObject({
      warm: [{ image: 'other', count: 2 }],
      resources: { memory: 64 * 1024 * 1024, cpus: 0.5 },
    });
    expect((await initialize('')).body.pool_size).toBe(2);
  });

  it('serves two calls at once', async () => {
    const answers = await Promise.all([initialize('pool_size=2'), initialize('pool_size=3')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it.each([
    ['pool_size=0', undefined, 'pool_size: must be at least 1'],
    ['pool_size=many', undefined, 'pool_size: must be a number'],
    ['pool_size=1.5', undefined, 'pool_size'],
    ['sandbox_type=cloud', undefined, 'sandbox_type'],
    ['size=3', undefined, 'unknown key size'],
    ['pool_size=1', { imagee: 'host' }, 'Did you mean image?'],
    ['pool_size=1', { memory_limit: 'much' }, 'much'],
    ['pool_size=1', { privileged: true }, 'privileged: is not offered'],
    ['pool_size=1', { env_vars: { A: 'b' } }, 'env_vars: is not offered'],
    ['pool_size=1', { network: 'host' }, 'network host'],
    ['pool_size=1', { volumes: { '/tmp': { bind: '/data' } } }, 'volumes'],
    ['pool_size=1', { tools_config: { shell: {} } }, 'unknown tool "shell"; the tools are'],
    ['pool_size=1', [], 'must be a map of keys'],
  ])('refuses %s %j', async (query, config, problem) => {
    const { status, body } = await initialize(query, config);
    expect(status).toBe(400);
    expect(body.detail).toContain(problem);
    expect(body.error.code).toBe('invalid_argument');
  });

  it('takes what clients send by default, and warns of what it cannot do', async () => {
    const { status, body } = await initialize('pool_size=1', {
      ...{ timeout: 30, tools_config: ['python_executor'], working_dir: '/elsewhere', env_vars: {} },
      ...{ resource_limits: {}, image: 'host', volumes: {}, ports: {}, network: 'bridge', extra_hosts: {} },
      ...{ memory_limit: '256m', cpu_limit: 1.0, network_enabled: true, privileged: false },
      ...{
        remove_on_exit: true,
        pull_progress: false,
        pull_progress_interval: 3,
        docker_executor_workers: 8,
      },
    });
    expect(status).toBe(200);
    expect(body.warnings).toEqual([
      expect.stringContaining('no network'),
      expect.stringContaining(served.directory),
    ]);
  });

  it('answers 404 for an image that is not here', async () => {
    expect(await initialize('pool_size=1', { image: 'nowhere' })).toMatchObject({ status: 404 });
  });
});

describe('POST /pool/execute', () => {
  it('answers 400 before the pool was initialised, and after it was deleted', async () => {
    expect(await execute('true')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('not initialised') },
    });
    await initialize('pool_size=1');
    expect((await execute('true')).status).toBe(200);
    await core.pools.delete('tool-pool', { force: true });
    expect((await execute('true')).status).toBe(400);
  });

  it('runs a tool in a sandbox of the pool, and gives it back', async () => {
    const { body: pool } = await initialize('pool_size=1');
    for (let time = 1; time <= 3; time++) {
      expect(await execute(`echo ${time}`)).toMatchObject({
        status: 200,
        body: { tool_name: 'shell_executor', status: 'success', output: `${time}\n`, error: null },
      });
    }
    expect((await core.pools.get('tool-pool')).instances.map(({ id }) => id)).toEqual(pool.sandbox_ids);
    expect(await core.pools.leases()).toEqual([]);
  });

  it('runs as many at once as there are sandboxes, and the others in order', async () => {
    await initialize('pool_size=2');
    const began: string[] = [];
    const lease = core.pools.lease.bind(core.pools);
    core.pools.lease = async (...call) => {
      const { pool } = await core.pools.get('tool-pool').then((it) => ({ pool: it }));
      expect(pool.claimed).toBeLessThanOrEqual(2);
      const got = await lease(...call);
      began.push(got.id);
      return got;
    };
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => execute(`sleep 0.05; echo ${n}`)));
    expect(answers.map(({ body }) => body.output)).toEqual(Array.from({ length: 8 }, (_, n) => `${n}\n`));
    expect(new Set(began).size).toBe(8);
  });

  it('answers 408 when none comes free in time', async () => {
    await initialize('pool_size=1');
    const claimed = nextEvent('claimed');
    const caller = new AbortController();
    const long = execute('sleep 1000', '', { signal: caller.signal });
    await claimed;
    expect(await execute('true', '&timeout=0.05')).toMatchObject({
      status: 408,
      body: { error: { code: 'no_capacity' }, detail: expect.any(String) },
    });
    caller.abort();
    await expect(long).rejects.toThrow();
  });

  it('answers 409 at once, and says what to do, when the pool lends nothing', async () => {
    await initialize('pool_size=1');
    const refusal = (problem: string) => ({
      status: 409,
      body: {
        detail: expect.stringContaining(problem),
        error: { code: 'conflict', hint: expect.stringContaining('/pool/initialize') },
      },
    });
    await core.pools.stop('tool-pool');
    expect(await execute('true')).toMatchObject(refusal('is stopped'));
    await core.pools.drain('tool-pool');
    expect(await execute('true')).toMatchObject(refusal('is drained'));
    await initialize('');
    expect((await execute('true')).status).toBe(200);
    await core.pools.update('tool-pool', { policy: { warm: [], capacity: { max: 1 } } });
    expect(await execute('true')).toMatchObject(refusal('keeps nothing warm'));
  });

  it('answers 409 when the pool is drained while the call waits', async () => {
    await initialize('pool_size=1');
    const lease = core.pools.lease.bind(core.pools);
    core.pools.lease = async (...call) => {
      await core.pools.drain('tool-pool');
      return lease(...call);
    };
    expect((await execute('true')).body.error).toMatchObject({
      message: 'the tool pool is drained',
      hint: expect.stringContaining('/pool/initialize'),
    });
  });

  it('answers 429, not 408, what is refused at once for want of room', async () => {
    await initialize('pool_size=1');
    core.pools.lease = async () => {
      throw new FsbError('no_capacity', 'the queue of pool tool-pool is full: 1000 wait');
    };
    expect((await execute('true')).status).toBe(429);
  });

  it.each([
    ['?tool_name=shell', {}, 404, 'shell_executor'],
    ['', {}, 400, 'tool_name: must be given'],
    ['?tool_name=python_executor', {}, 400, 'code: must be given'],
    ['?tool_name=python_executor', { code: 3 }, 400, 'code: must be a string'],
    ['?tool_name=python_executor', { code: ' ' }, 400, 'code: must not be empty'],
    ['?tool_name=python_executor', { code: '1', timeout: 0 }, 400, 'timeout: must be more than 0'],
    ['?tool_name=python_executor', { code: '1', timeout: '3' }, 400, 'timeout'],
    ['?tool_name=python_executor', { code: '1', timout: 3 }, 400, 'Did you mean timeout?'],
    ['?tool_name=shell_executor', { command: 3 }, 400, 'command: must be a string, or a list of strings'],
    ['?tool_name=shell_executor', { command: ['x'.repeat(131_072)] }, 400, '128 KiB'],
    ['?tool_name=shell_executor', { command: [] }, 400, 'command'],
    ['?tool_name=file_operation', { operation: 'chmod', file_path: 'x' }, 400, 'operation'],
    ['?tool_name=file_operation', { operation: 'read', file_path: '' }, 400, 'file_path'],
    ['?tool_name=multi_code_executor', { language: 'pyhton', code: '1' }, 400, 'did you mean python?'],
    [
      '?tool_name=multi_code_executor',
      { language: 'sh', code: '1', files: { '../x': '' } },
      400,
      'below the work directory',
    ],
    ['?tool_name=shell_executor&timeout=-1', { command: 'true' }, 400, 'timeout: must be more than 0'],
  ])('refuses %s %j with %i', async (query, body, status, problem) => {
    await initialize('pool_size=1');
    const answer = await served.ask('POST', `/pool/execute${query}`, { body });
    expect(answer.status).toBe(status);
    expect(answer.body.detail).toContain(problem);
  });

  it('leaves no trace of a client that leaves while it waits', async () => {
    await initialize('pool_size=1');
    const claimed = nextEvent('claimed');
    const first = execute('sleep 0.3; echo first');
    await claimed;
    const caller = new AbortController();
    const second = execute('echo second', '', { signal: caller.signal });
    const third = execute('echo third');
    await waiting(2);
    caller.abort();
    await expect(second).rejects.toThrow();
    expect([(await first).body.output, (await third).body.output]).toEqual(['first\n', 'third\n']);
    expect(await core.pools.get('tool-pool')).toMatchObject({ waiting: 0, claimed: 0, idle: 1 });
  });

  it('ends the tool of a client that leaves, and has its sandbox back', async () => {
    await initialize('pool_size=1');
    const claimed = nextEvent('claimed');
    const caller = new AbortController();
    const running = execute('sleep 1000', '', { signal: caller.signal });
    await claimed;
    caller.abort();
    await expect(running).rejects.toThrow();
    expect((await execute('echo next')).body.output).toBe('next\n');
    expect(core.openSessions.size).toBe(0);
  });

  /** Resolves when so many callers wait for the pool. */
  async function waiting(count: number): Promise<void> {
    while ((await core.pools.get('tool-pool')).waiting < count) await new Promise(setImmediate);
  }
});

describe('kept sandboxes', () => {
  const create = async (config?: unknown): Promise<string> =>
    (await served.ask('POST', '/sandbox/create?sandbox_type=docker', { body: config })).body.sandbox_id;
  const use = (sandbox_id: string, tool_name: string, parameters: object) =>
    served.ask('POST', '/sandbox/tool/execute', { body: { sandbox_id, tool_name, parameters } });

  it('stay until they are deleted', async () => {
    const id = await create({ image: 'other', ttl: '10m' });
    expect(await served.ask('GET', `/sandbox/${id}`)).toMatchObject({
      status: 200,
      body: {
        ...{ id, status: 'running', config: { image: 'other' }, metadata: { ttl: 600 } },
        available_tools: { python_executor: { type: 'function' } },
      },
    });
    expect((await served.ask('GET', '/sandboxes')).body).toMatchObject([{ id }]);
    expect((await served.ask('GET', '/sandboxes?status=idle')).body).toEqual([]);
    expect((await served.ask('DELETE', `/sandbox/${id}`)).status).toBe(200);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/stop'],
      ['GET', '/tools'],
    ])
      expect((await served.ask(method!, `/sandbox/${id}${path}`)).status).toBe(404);
  });

  it('are refused when they ask for more memory than there ever is', async () => {
    const { policy } = await core.pools.get('default-pool');
    const config = { memory_limit: policy.memoryBudget + 1 };
    const { status, body } = await served.ask('POST', '/sandbox/create', { body: config });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('memory_limit'),
    });
  });

  it('are released by stop, too', async () => {
    const id = await create();
    expect((await served.ask('POST', `/sandbox/${id}/stop`)).status).toBe(200);
    expect(await core.pools.leases()).toEqual([]);
  });

  it('keep the state of a notebook, each its own', async () => {
    const [one, two] = [await create(), await create()];
    await use(one, 'notebook_executor', { code: 'x = 1' });
    await use(two, 'notebook_executor', { code: 'x = 2' });
    expect((await use(one, 'notebook_executor', { code: 'x' })).body.output).toBe('1');
    expect((await use(two, 'notebook_executor', { code: 'x' })).body.output).toBe('2');
  });

  it('run one tool at a time, in order', async () => {
    const id = await create();
    const commands = ['echo 1 >>log; sleep 0.1; echo 1 >>log', 'echo 2 >>log', 'cat log'];
    const answers = await Promise.all(commands.map((command) => use(id, 'shell_executor', { command })));
    expect(answers.at(-1)!.body.output).toBe('1\n1\n2\n');
  });

  it('lose the notebook with the sandbox', async () => {
    const id = await create();
    await use(id, 'notebook_executor', { code: 'x = 1' });
    await core.pools.release(id);
    expect((await use(id, 'notebook_executor', { code: 'x' })).status).toBe(404);
    expect(core.openSessions.size).toBe(0);
  });

  it.each([
    [{}, 'sandbox_id: must be given; tool_name: must be given'],
    [{ sandbox_id: 'x', tool_name: 'shell_executor', parameters: 3 }, 'parameters'],
    [{ sandbox_id: 'x', tool: 'shell_executor' }, 'unknown key tool'],
    [{ sandbox_id: 'x', tool_name: 'shell_executor', timeout: 5 }, 'timeout: belongs among the parameters'],
    [undefined, 'invalid body'],
  ])('refuse a call like %j', async (body, problem) => {
    const answer = await served.ask('POST', '/sandbox/tool/execute', { body });
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain(problem);
  });

  it('are not those of the pool, which show up with them', async () => {
    const { body } = await initialize('pool_size=1');
    const [id] = body.sandbox_ids;
    expect((await served.ask('GET', `/sandbox/${id}`)).body).toMatchObject({ id, status: 'idle' });
    for (const answer of [
      await served.ask('DELETE', `/sandbox/${id}`),
      await use(id, 'shell_executor', { command: 'true' }),
    ])
      expect(answer).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
  });
});

describe('POST /sandbox/{id}/archive', () => {
  it('answers 400 for what is no tar, and for a request without one', async () => {
    const { body } = await served.ask('POST', '/sandbox/create');
    const send = (query: string, content: Buffer, type = 'application/x-tar') =>
      served.ask('POST', `/sandbox/${body.sandbox_id}/archive${query}`, {
        body: content,
        headers: { 'content-type': type },
      });
    const into = `?target_dir=${served.directory}/in`;
    const noTar = await send(into, Buffer.from('this is not a tar at all'.repeat(100)));
    expect(noTar).toMatchObject({ status: 400, body: { detail: expect.stringContaining('unpacked') } });
    expect((await send(into, Buffer.alloc(0))).body.detail).toContain('the archive is empty');
    expect((await send('', Buffer.from('x'))).body.detail).toContain('target_dir: must be given');
    expect((await send('?target_dir=in', Buffer.from('x'))).body.detail).toContain('absolute');
    expect((await send(into, Buffer.from('x'), 'text/plain')).body.detail).toContain('application/x-tar');
  });
});

describe('bodies', () => {
  const send = (body: Buffer, headers: Record<string, string>) =>
    served.ask('POST', '/pool/execute?tool_name=shell_executor', { body, headers });
  const json = { 'content-type': 'application/json' };

  it.each([
    ['is cut', '{"command":', json, 'not valid JSON'],
    ['is not declared', '{"command":"true"}', {}, 'content type ""'],
    [
      'is plain text',
      '{"command":"true"}',
      { 'content-type': 'text/plain' },
      'Content-Type: application/json',
    ],
    ['is said to be too long', '{}', { ...json, 'content-length': String(17 * 1024 * 1024) }, '16MiB'],
  ])('are refused when one %s', async (_, text, headers, problem) => {
    const answer = await send(Buffer.from(text), headers);
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain(problem);
  });

  it('are refused when one is too long without saying so', async () => {
    const body = Buffer.alloc(17 * 1024 * 1024, ' ');
    const answer = await send(body, { ...json, 'transfer-encoding': 'chunked' });
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('16MiB') } });
  });
});

describe('the bodies of all calls together', () => {
  it('have a bound, and what ended makes room', async () => {
    const { body: kept } = await served.ask('POST', '/sandbox/create');
    const call = { sandbox_id: kept.sandbox_id, tool_name: 'shell_executor' };
    const send = (command: string, length: number, signal?: AbortSignal) =>
      served.ask('POST', '/sandbox/tool/execute', {
        body: Buffer.from(JSON.stringify({ ...call, parameters: { command } }).padEnd(length)),
        headers: { 'content-type': 'application/json' },
        signal,
      });
    const caller = new AbortController();
    const fifteen = 15 * 1024 * 1024;
    const large = Array.from({ length: 5 }, () => send('sleep 1000', fifteen, caller.signal));
    const refused = await Promise.any(large);
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
    const answers = Promise.allSettled(large);
    caller.abort();
    expect((await answers).filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await send('echo next', fifteen)).body.output).toBe('next\n');
  });
});

describe('what it tells of itself', () => {
  it('is the schema of every tool', async () => {
    const { body } = await served.ask('GET', '/tools');
    expect(body.map(({ function: { name } }: { function: { name: string } }) => name)).toEqual([
      'python_executor',
      'shell_executor',
      'file_operation',
      'multi_code_executor',
      'notebook_executor',
    ]);
    for (const { type, function: it } of body) {
      expect(type).toBe('function');
      expect(it.description).toMatch(/\.$/);
      expect(it.parameters).toMatchObject({ type: 'object', additionalProperties: false });
      for (const parameter of Object.values(it.parameters.properties))
        expect(parameter).toMatchObject({ description: expect.any(String) });
    }
    expect(body[0].function.parameters).toMatchObject({
      required: ['code'],
      properties: { code: { type: 'string' }, timeout: { type: 'number', default: 30 } },
    });
  });

  it('is that it is healthy, and what it has', async () => {
    await served.ask('POST', '/sandbox/create');
    const { status, body } = await served.ask('GET', '/health');
    const { version, node, runtime } = await core.system.info();
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ status: 'healthy', healthy: true, version, uptime: expect.any(Number) },
      ...{ active_sandboxes: 1, system_info: { node, runtime } },
    });
  });

  it('is how many sandboxes there are in each state', async () => {
    expect((await served.ask('GET', '/stats')).body).toMatchObject({
      ...{ total_sandboxes: 0, pool_initialized: false, pool: null },
    });
    await initialize('pool_size=2');
    await served.ask('POST', '/sandbox/create');
    expect((await served.ask('GET', '/stats')).body).toMatchObject({
      ...{ running: true, total_sandboxes: 3, pool_size: 2, pool_initialized: true },
      status_counts: { running: 1, idle: 2 },
      pool: { state: 'active', idle: 2, claimed: 0 },
      uptime: expect.any(Number),
    });
  });

  it.each([
    ['GET', '/stats?of=pool', 'unknown key of'],
    ['GET', '/tools?name=shell_executor', 'unknown key name'],
    ['GET', '/sandbox/x?verbose=1', 'unknown key verbose'],
    ['POST', '/sandbox/x/stop?force=1', 'unknown key force'],
    ['DELETE', '/sandbox/x?force=1', 'unknown key force'],
    ['POST', '/sandbox/tool/execute?timeout=3', 'unknown key timeout'],
    ['GET', '/sandboxes?status=runing', 'status: must be one of running, idle, busy, stopping'],
    ['POST', '/pool/execute?tool_name=a&tool_name=b', 'tool_name: must be given once'],
  ])('refuses a query that says nothing to it: %s %s', async (method, path, problem) => {
    const { status, body } = await served.ask(method, path);
    expect(status).toBe(400);
    expect(body.detail).toContain(problem);
  });

  it.each([
    ['GET', '/pool/execute'],
    ['POST', '/stats'],
    ['PUT', '/sandbox/x'],
    ['POST', '/sandbox/x/archive/y'],
    ['POST', '/sandbox/'],
  ])('is nothing at %s %s', async (method, path) => {
    expect((await served.ask(method, path)).status).toBe(404);
  });
});

describe('start and close', () => {
  it('ends what a killed core had borrowed, and nothing else', async () => {
    await initialize('pool_size=1');
    await core.pools.lease({ pool: 'tool-pool' });
    const kept = await core.pools.lease({ pool: 'default-pool' });
    const next = await servePoolServer(core);
    expect(await core.pools.leases()).toMatchObject([{ id: kept.id }]);
    await next.close();
  });

  it('ends the tools that a killed core left in kept sandboxes, and nothing in the leases of others', async () => {
    const { body: kept } = await served.ask('POST', '/sandbox/create');
    const foreign = await core.pools.lease({ pool: 'default-pool' });
    const sleep = { argv: ['sleep', '1000'], env: {}, cwd: '/', user: '', tty: false, stdin: false };
    const left = await core.pools.exec(kept.sandbox_id, sleep);
    await core.pools.exec(foreign.id, sleep);
    const next = await servePoolServer(core);
    expect(await left.exited).toMatchObject({ signal: 9 });
    expect(await core.pools.leases()).toMatchObject([
      { id: kept.sandbox_id, running: 0 },
      { id: foreign.id, running: 1 },
    ]);
    await next.close();
  });

  it('ends the kernels of notebooks, and leaves the sandboxes', async () => {
    const { body: kept } = await served.ask('POST', '/sandbox/create');
    const cell = { sandbox_id: kept.sandbox_id, tool_name: 'notebook_executor', parameters: { code: '1' } };
    expect(await served.ask('POST', '/sandbox/tool/execute', { body: cell })).toMatchObject({
      body: { status: 'success' },
    });
    expect(await core.pools.leases()).toMatchObject([{ running: 1 }]);
    await served.server.close(0);
    await expect.poll(async () => (await core.pools.leases())[0]).toMatchObject({ running: 0 });
  });

  it('ends what runs, gives back what is borrowed, and refuses what comes', async () => {
    await initialize('pool_size=1');
    const claimed = nextEvent('claimed');
    const running = execute('sleep 1000');
    await claimed;
    const replaced = nextEvent('destroyed');
    await Promise.all([served.server.close(0), replaced]);
    expect(await running).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
    expect((await execute('true')).status).toBe(503);
    expect(await core.pools.leases()).toEqual([]);
  });
});
