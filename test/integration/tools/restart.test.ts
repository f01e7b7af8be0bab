import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { corePaths } from '../../../src/core/model/paths.ts';
import { TOOL_POOL } from '../../../src/core/tools/pool/tool-pool.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core-process.ts';
import { poolClient } from '../../helpers/pool-client.ts';
import { makeRoot } from '../../helpers/real-core.ts';
import { untilPool } from '../../helpers/real-pool.ts';
import { traces } from '../../helpers/traces.ts';

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
    const cell = (code: string) =>
      ask('POST', '/sandbox/tool/execute', {
        body: { sandbox_id, tool_name: 'notebook_executor', parameters: { code } },
      });
    await cell('x = 1; open("kept", "w").write("kept")');
    const cut = expect(execute('sleep 1000')).rejects.toThrow();
    await untilPool(core.api, ({ claimed }) => claimed === 1, TOOL_POOL);
    await core.kill();
    await cut;

    core = await startCoreProcess(root);
    expect((await core.api.pools.leases()).map(({ id }) => id)).toEqual([sandbox_id]);
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
