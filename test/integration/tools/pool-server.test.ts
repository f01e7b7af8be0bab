import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOOL_POOL } from '../../../src/core/tools/pool/tool-pool.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { poolClient } from '../../helpers/pool/pool-client.ts';
import { untilPool } from '../../helpers/pool/real-pool.ts';

/** The pool server of a real core, over real HTTP, with real sandboxes of the host image. */

let core: RealCore;
let ask: ReturnType<typeof poolClient>;

beforeAll(async () => {
  core = await startRealCore({ pool: { warm: [{ image: 'host', count: 1 }] } });
  ask = poolClient(core.running.status.http.replace('http://', ''));
});
afterAll(() => core.close());

const initialize = (size: number, config?: object) =>
  ask('POST', `/pool/initialize?pool_size=${size}`, { body: config });
const execute = (tool: string, parameters: object, query = '', more: object = {}) =>
  ask('POST', `/pool/execute?tool_name=${tool}${query}`, { body: parameters, ...more });
const shell = (command: unknown, more: object = {}, timeout = 30) =>
  execute('shell_executor', { command, timeout }, '', more);
const toolPool = () => core.running.api.pools.get(TOOL_POOL);
const borrowed = async () => {
  const leases = await core.running.api.pools.leases();
  return leases.filter(({ pool }) => pool === TOOL_POOL);
};

describe('POST /pool/initialize', () => {
  it('warms a pool of its own, and resizes it', async () => {
    const { status, body } = await initialize(3, { memory_limit: '256m' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ pool_size: 3, missing: 0 });
    const { instances } = await toolPool();
    expect(instances.filter(({ state }) => state === 'idle').map(({ id }) => id)).toEqual(body.sandbox_ids);
    const smaller = await initialize(1);
    expect(smaller.body.pool_size).toBeGreaterThanOrEqual(1);
    await untilPool(core.running.api, ({ instances }) => instances.length === 1, TOOL_POOL);
    expect((await initialize(2)).body.sandbox_ids).toHaveLength(2);
  });

  it('tells what cannot come up', async () => {
    expect(await initialize(2, { image: 'no-such-image' })).toMatchObject({ status: 404 });
    expect((await initialize(2)).body).toMatchObject({ pool_size: 2, missing: 0 });
  });
});

describe('tools', () => {
  it('run Python, and a shell, in the working directory of the sandbox', async () => {
    expect(
      (await execute('python_executor', { code: 'import os; print(os.getcwd(), os.getpid())' })).body,
    ).toMatchObject({
      status: 'success',
      output: expect.stringMatching(/^\/sandbox \d+\n$/),
    });
    expect((await shell('echo $((6 * 7)); pwd')).body).toMatchObject({ output: '42\n/sandbox\n' });
    expect((await shell(['cat'])).body).toMatchObject({ status: 'success', output: '' });
  });

  it.each([124, 137])('take a program’s own exit %i for an error', async (code) => {
    expect((await shell(`exit ${code}`)).body).toMatchObject({
      status: 'error',
      metadata: { exit_code: code },
    });
  });

  it('cap what a flood writes, and read on', async () => {
    const { body } = await shell('yes | head -c 5000000; echo end >&2');
    expect(body).toMatchObject({ status: 'success', error: 'end\n', metadata: { stdout_truncated: true } });
    expect(body.output).toHaveLength(1024 * 1024);
  });

  it.each([
    ['python', 'print("hello")'],
    ['javascript', 'console.log("hello")'],
    ['sh', 'echo hello'],
    ['c', '#include <stdio.h>\nint main() { puts("hello"); }'],
  ])('compile and run %s', async (language, code) => {
    expect((await execute('multi_code_executor', { language, code })).body).toMatchObject({
      status: 'success',
      output: 'hello\n',
    });
  });

  it('say which language the image lacks', async () => {
    const { body } = await execute('multi_code_executor', { language: 'lua', code: 'print("hello")' });
    if (body.status === 'success') return expect(body.output).toBe('hello\n');
    expect(body).toMatchObject({ status: 'error', metadata: { reason: 'command_not_found' } });
  });

  it('read back what they wrote, byte for byte', async () => {
    const { use, remove } = await keep();
    const content = Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 251)).toString('base64');
    const file = { file_path: 'a/b/bytes', encoding: 'base64' };
    await use('file_operation', { operation: 'write', ...file, content });
    expect((await use('file_operation', { operation: 'read', ...file })).body.output).toBe(content);
    expect((await use('shell_executor', { command: 'wc -c </sandbox/a/b/bytes' })).body.output).toBe(
      '70000\n',
    );
    await remove();
  });

  it('end with an error when the sandbox has no memory left', async () => {
    const { use, remove } = await keep({ memory_limit: '64m' });
    const { body } = await use('python_executor', { code: 'x = bytearray(1 << 30)\nprint(len(x))' });
    expect(body).toMatchObject({
      status: 'error',
      output: '',
      metadata: { exit_code: 137, signal: 'SIGKILL' },
    });
    await remove();
  });
});

/** A sandbox that is kept, and short ways to use it. */
async function keep(config?: object) {
  const { body, status } = await ask('POST', '/sandbox/create', { body: config });
  expect(status).toBe(200);
  const id: string = body.sandbox_id;
  return {
    id,
    use: (tool_name: string, parameters: object) =>
      ask('POST', '/sandbox/tool/execute', { body: { sandbox_id: id, tool_name, parameters } }),
    remove: async () => expect((await ask('DELETE', `/sandbox/${id}`)).status).toBe(200),
  };
}

/** Leaves a daemon with a session of its own, and goes on for ever. */
const DAEMON = 'setsid sleep 1234 </dev/null >/dev/null 2>&1 &';
/** Names every process that is such a daemon; one that is dead has no command line any more. */
const SURVIVORS = "grep -lsa '[s]leep.1234' /proc/[0-9]*/cmdline; true";

describe('a timeout', () => {
  it('kills everything in a kept sandbox, daemons with a session of their own too', async () => {
    const { use, remove } = await keep();
    await use('notebook_executor', { code: 'x = 1' });
    await use('shell_executor', { command: DAEMON });
    const found = await use('shell_executor', { command: SURVIVORS });
    expect(found.body.output).toMatch(/^\/proc\/\d+\/cmdline\n$/);
    const late = await use('shell_executor', { command: `${DAEMON} sleep 1000`, timeout: 1 });
    expect(late.body.status).toBe('timeout');
    expect((await use('shell_executor', { command: SURVIVORS })).body).toMatchObject({
      status: 'success',
      output: '',
    });
    expect((await use('notebook_executor', { code: '1' })).body).toMatchObject({
      output: '1',
      metadata: { kernel: 'new', state_lost: 'the kernel ended: killed by SIGKILL' },
    });
    await remove();
  });

  it('has a sandbox of the pool destroyed, and replaced', async () => {
    const { body } = await initialize(1);
    expect((await shell(`${DAEMON} sleep 1000`, {}, 1)).body.status).toBe('timeout');
    expect((await shell('echo next')).body.output).toBe('next\n');
    const { instances } = await toolPool();
    expect(instances.map(({ id }) => id)).not.toContain(body.sandbox_ids[0]);
  });
});

describe('a sandbox of the pool', () => {
  it('comes back when its tool ended, and with nothing running in it', async () => {
    const { body } = await initialize(1);
    await shell(DAEMON);
    expect((await shell(SURVIVORS)).body).toMatchObject({ status: 'success', output: '' });
    const { instances } = await toolPool();
    expect(instances.map(({ id }) => id)).toEqual(body.sandbox_ids);
  });

  it('gives every call a notebook of its own', async () => {
    const { body } = await initialize(1);
    for (const code of ['x = 1', '"x" in globals()'])
      expect((await execute('notebook_executor', { code })).body).toMatchObject({
        status: 'success',
        metadata: { kernel: 'new' },
      });
    expect((await execute('notebook_executor', { code: '"x" in globals()' })).body.output).toBe('False');
    expect((await toolPool()).instances.map(({ id }) => id)).toEqual(body.sandbox_ids);
  });

  it('serves many calls at once, each with its own answer', async () => {
    await initialize(2);
    const calls = Array.from({ length: 12 }, (_, number) => shell(`sleep 0.05; echo ${number}`));
    const answers = await Promise.all(calls);
    expect(answers.map(({ body }) => body.output)).toEqual(calls.map((_, number) => `${number}\n`));
    await untilPool(core.running.api, ({ idle }) => idle === 2, TOOL_POOL);
    expect(await borrowed()).toEqual([]);
  });

  it('does not come in time while others have all of them', async () => {
    await initialize(1);
    const caller = new AbortController();
    const long = shell('sleep 1000', { signal: caller.signal });
    await untilPool(core.running.api, ({ claimed }) => claimed === 1, TOOL_POOL);
    const late = await execute('shell_executor', { command: 'true' }, '&timeout=0.1');
    expect(late).toMatchObject({ status: 408, body: { error: { code: 'no_capacity' } } });
    caller.abort();
    await expect(long).rejects.toThrow();
    expect((await shell('echo next')).body.output).toBe('next\n');
    await untilPool(core.running.api, ({ idle, stopping }) => idle === 1 && stopping === 0, TOOL_POOL);
    expect(await borrowed()).toEqual([]);
  });
});

describe('an archive', () => {
  it('is unpacked inside the sandbox only', async () => {
    const { id, use, remove } = await keep();
    const tar = execFileSync('tar', ['-cf', '-', '-P', '--transform', 's,^,../../evil/,', 'hostname'], {
      cwd: '/etc',
    });
    const both = execFileSync('tar', ['-cf', '-', 'hostname'], { cwd: '/etc' });
    const send = (body: Buffer) =>
      ask('POST', `/sandbox/${id}/archive?target_dir=/data/in`, {
        body,
        headers: { 'content-type': 'application/x-tar' },
      });
    expect(await send(both)).toEqual({ status: 200, body: { ok: true } });
    const { body } = await use('file_operation', { operation: 'read', file_path: '/data/in/hostname' });
    expect(body.output).toBe(readFileSync('/etc/hostname', 'utf8'));
    expect(await send(tar)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('../../evil/hostname') },
    });
    const { body: found } = await use('shell_executor', { command: 'find / -xdev -path "*evil/hostname"' });
    expect(found.output).toBe('');
    expect(existsSync('/evil')).toBe(false);
    await remove();
  });
});

describe('who may call', () => {
  it.each([
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a foreign name', { host: 'evil.example' }],
  ])('is not %s', async (_, headers) => {
    for (const [method, path] of [
      ['POST', '/pool/initialize?pool_size=1'],
      ['POST', '/pool/execute?tool_name=shell_executor'],
      ['DELETE', '/sandbox/x'],
      ['GET', '/stats'],
    ])
      expect((await ask(method!, path!, { headers })).status).toBe(403);
  });
});
