import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { corePaths } from '../../../src/core/model/paths.ts';
import { TOOL_POOL } from '../../../src/core/tools/pool/tool-pool.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { traces } from '../../helpers/core/traces.ts';
import { poolClient } from '../../helpers/pool/pool-client.ts';
import { untilPool } from '../../helpers/pool/real-pool.ts';

let root: string;
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a core that is killed in the middle of a tool', () => {
  it('is followed by one that has the pool and the sandboxes, and not what was borrowed', async () => {
    root = await makeRoot();
    const ask = poolClient(corePaths({ FSB_ROOT: root }, 0).httpSocket);
    const execute = (command: string) =>
      ask('POST', '/pool/execute?tool_name=shell_executor', { body: { command } });
    let core: CoreProcess = await startCoreProcess(root);

    const { body: pool } = await ask('POST', '/pool/initialize?pool_size=2');
    const sandbox_id = (await ask('POST', '/sandbox/create')).body.sandbox_id;
    const use = (tool_name: string, parameters: object) =>
      ask('POST', '/sandbox/tool/execute', { body: { sandbox_id, tool_name, parameters } });
    const cell = (code: string) => use('notebook_executor', { code });
    const shell = (command: string) => use('shell_executor', { command, timeout: 3000 });
    await cell('x = 1; open("kept", "w").write("kept")');
    const cut = expect(execute('sleep 1000')).rejects.toThrow();
    await untilPool(core.api, ({ claimed }) => claimed === 1, TOOL_POOL);
    const cutToo = expect(shell('touch begun; exec sleep 1234')).rejects.toThrow();
    const foreign = await core.api.pools.lease({ pool: 'default-pool' });
    const sleep = { argv: ['sleep', '1234'], env: {}, cwd: '/', user: '', tty: false, stdin: false };
    await core.api.pools.exec(foreign.id, sleep);
    await untilBegun(core, sandbox_id);
    await core.kill();
    await Promise.all([cut, cutToo]);

    core = await startCoreProcess(root);
    expect((await core.api.pools.leases()).map(({ id }) => id)).toEqual([sandbox_id, foreign.id]);
    // The tool that was cut is ended; what somebody else's lease runs goes on.
    const sleeping = "grep -lsa '[s]leep.1234' /proc/[0-9]*/cmdline; true";
    expect((await shell(sleeping)).body).toMatchObject({ status: 'success', output: '' });
    expect((await core.api.pools.leases())[1]).toMatchObject({ running: 1 });
    await core.api.pools.release(foreign.id);
    expect((await execute('echo again')).body.output).toBe('again\n');
    const { instances } = await untilPool(core.api, ({ idle }) => idle === 2, TOOL_POOL);
    // One of the two was in the middle of a tool, and was replaced.
    expect(instances.filter(({ id }) => pool.sandbox_ids.includes(id))).toHaveLength(1);

    expect((await ask('GET', '/sandboxes?status=running')).body).toMatchObject([{ id: sandbox_id }]);
    const next = await cell('x');
    expect(next.body).toMatchObject({ status: 'error', metadata: { kernel: 'new' } });
    expect(next.body.error).toContain('NameError');
    expect((await cell('open("kept").read()')).body.output).toBe("'kept'");

    await ask('DELETE', `/sandbox/${sandbox_id}`);
    await core.api.pools.delete(TOOL_POOL, { force: true });
    expect(await core.stop()).toBe(0);
    expect(await traces(root)).toEqual([]);
  });
});

/** Resolves when the tool in this sandbox has made its file. */
async function untilBegun(core: CoreProcess, lease: string): Promise<void> {
  const argv = ['sh', '-c', 'until [ -e /sandbox/begun ]; do sleep 0.01; done'];
  const request = { argv, env: {}, cwd: '/', user: '', tty: false, stdin: false };
  await using session = await core.api.pools.exec(lease, request);
  expect(await session.exited).toMatchObject({ code: 0 });
}
