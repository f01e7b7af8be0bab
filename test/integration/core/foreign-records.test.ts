import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { expect, it } from 'vitest';
import { INSTANCE_RECORD_VERSION, SLOT_RECORD_VERSION } from '../../../src/core/agent/ledger/records.ts';
import { POOL_RECORD_VERSION } from '../../../src/core/agent/pools/pool-record.ts';
import { SANDBOX_RECORD_VERSION } from '../../../src/core/controller/records/registry.ts';
import { deleteSandboxes } from '../../helpers/core/delete-sandboxes.ts';
import { makeRoot, startRealCore } from '../../helpers/core/real-core.ts';

const versions: Record<string, number> = {
  sandboxes: SANDBOX_RECORD_VERSION,
  instances: INSTANCE_RECORD_VERSION,
  slots: SLOT_RECORD_VERSION,
  pools: POOL_RECORD_VERSION,
};

/** Of a later version, torn, and of the layout of today with something else in it. */
const strange = (version: number): Record<string, string> => ({
  'strange-newer': `[${version + 1},{"id":"x"}]`,
  'strange-torn': `[${version},{"id":"x","sta`,
  'strange-null': `[${version},null]`,
  'strange-foreign': `[${version},{"id":7,"shape":[],"said":"no","state":{"phase":"Asleep"},"spec":{}}]`,
});

/** Writes them into every table of a core that has ended. */
async function plant(root: string): Promise<void> {
  const environment = open({ path: join(root, 'state/records'), maxDbs: 32, encoding: 'string' });
  for (const [name, version] of Object.entries(versions)) {
    const table = environment.openDB<string, string>({ name, encoding: 'string' });
    for (const [key, value] of Object.entries(strange(version))) await table.put(key, value);
  }
  await environment.close();
}

async function setAside(root: string): Promise<string[]> {
  const environment = open({ path: join(root, 'state/records'), maxDbs: 32, encoding: 'string' });
  const keys = [...environment.openDB({ name: 'set-aside', encoding: 'string' }).getKeys({})].map(String);
  await environment.close();
  return keys;
}

it('a core whose records somebody else has written to starts, keeps its own, and sets the others aside', async () => {
  const root = await makeRoot();
  try {
    const pool = { warm: undefined, capacity: undefined };
    const first = await startRealCore({ root });
    const spec = { image: 'host', command: ['sleep', '1000'] };
    const box = await first.running.api.sandboxes.create({ namespace: 'default', name: 'box', spec });
    await first.running.api.pools.create({ name: 'small' });
    await first.remote.close();
    await first.running.close();
    await plant(root);

    const second = await startRealCore({ root, pool });
    const { sandboxes, pools } = second.running.api;
    expect(await sandboxes.list({})).toEqual([expect.objectContaining({ id: box.id, name: 'box' })]);
    expect((await sandboxes.get(box)).state).toMatchObject({ phase: 'Running' });
    expect((await pools.list()).map(({ name }) => name)).toEqual(['default-pool', 'small']);
    await deleteSandboxes(sandboxes);
    await second.remote.close();
    await second.running.close();

    const expected = Object.entries(versions).flatMap(([table, version]) => [
      `${table}/${version + 1}/strange-newer`,
      `${table}/unreadable/strange-torn`,
      `${table}/${version}/strange-null`,
      `${table}/${version}/strange-foreign`,
    ]);
    expect((await setAside(root)).sort()).toEqual(expected.sort());
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
