import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { InstanceRecord } from '../../../../src/core/agent/ledger/records.ts';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { SANDBOX_RECORD_VERSION } from '../../../../src/core/controller/registry.ts';
import { DAMAGED_MARK } from '../../../../src/core/image/content/records-file.ts';
import { decodeRecord, encodeRecord } from '../../../../src/core/store/record-table.ts';
import { eventually } from './always.ts';
import { COLD, expectKept, makeRunning } from './boxes.ts';
import { changeRecords } from './records.ts';
import { scenario } from './scenario.ts';

const LATER = 99;
const strange = encodeRecord(LATER, { id: 'strange' });

const asideOrNot = async (api: CoreApi): Promise<string> =>
  (await api.system.health()).setAside.length > 0 ? 'aside' : 'none';

const removeSetAside = async (api: CoreApi): Promise<void> => {
  await api.system.removeSetAside();
};

const ORPHAN = 'i00000000000000ff';

/** Whatever else a core that starts does is in a scenario of its own. */
const START = ['recover.', 'reconcile.', 'serve.', 'record.'];

/** What a core finds that nobody wants, or that it cannot read. */
export const upkeepScenarios = [
  scenario({
    name: 'the janitor removes what nobody holds',
    core: { ...COLD, janitor: { interval: 100, window: 100 } },
    act: async (_, __, root) => {
      for (const place of ['run/i', 'state/instances/runc'])
        await mkdir(join(root, place, ORPHAN), { recursive: true });
      await eventually(async () =>
        expect(await readdir(join(root, 'state/instances/runc'))).not.toContain(ORPHAN),
      );
    },
    ends: 'none',
  }),
  scenario({
    name: 'the start of a core on a record of a later version',
    besides: START,
    core: COLD,
    whileStarting: true,
    prepare: (_, root) =>
      changeRecords(root, async (table) => void (await table('sandboxes').put('strange', strange))),
    outcome: asideOrNot,
    ends: 'aside',
    tidy: removeSetAside,
  }),
  scenario({
    name: 'the start of a core on a record of an earlier version',
    besides: START,
    core: COLD,
    whileStarting: true,
    prepare: async (api, root) => {
      const { id: sandboxId } = await makeRunning(api);
      await changeRecords(root, async (table) => {
        for (const { key, value } of [...table('instances').getRange({})]) {
          const { shape, use } = decodeRecord(value)!.value as InstanceRecord;
          if (use?.by === 'sandbox' && use.sandboxId === sandboxId)
            await table('instances').put(key, encodeRecord(1, { shape, sandboxId }));
        }
      });
    },
    ends: 'Running',
    check: (api) => expectKept(api),
  }),
  scenario({
    name: 'the start of a core that knows a record which was set aside',
    besides: START,
    core: COLD,
    whileStarting: true,
    prepare: async (api, root) => {
      const { id } = await makeRunning(api);
      await changeRecords(root, async (table) => {
        await table('set-aside').put(
          `sandboxes/${SANDBOX_RECORD_VERSION}/${id}`,
          table('sandboxes').get(id)!,
        );
        await table('sandboxes').remove(id);
      });
    },
    ends: 'Running',
    check: (api) => expectKept(api),
  }),
  scenario({
    name: 'system prune --set-aside',
    core: COLD,
    prepare: async (_, root) => {
      await changeRecords(
        root,
        async (table) => void (await table('set-aside').put(`sandboxes/${LATER}/strange`, strange)),
      );
      await writeFile(join(root, 'state/images', `images.json${DAMAGED_MARK}1`), 'torn');
      // What only that record may want.
      await mkdir(join(root, 'state/logs/strange'));
    },
    act: (api) => api.system.removeSetAside(),
    outcome: asideOrNot,
    becomes: { aside: ['set-aside.', 'forget.'], none: ['set-aside.removed'] },
    ends: 'none',
    tidy: removeSetAside,
  }),
];
