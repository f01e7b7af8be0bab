import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { InstanceRecord } from '../../../../../src/core/agent/ledger/records.ts';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import { SANDBOX_RECORD_VERSION } from '../../../../../src/core/controller/records/registry.ts';
import { DAMAGED_MARK } from '../../../../../src/core/image/content/records-file.ts';
import { decodeRecord, encodeRecord } from '../../../../../src/core/store/record-table.ts';
import { eventually } from '../always.ts';
import { box, COLD, expectKept, find, make, makeRunning, RUNNING, removeSetAside } from '../boxes.ts';
import { changeRecords } from '../records.ts';
import { scenario } from '../scenario.ts';

const LATER = 99;
const strange = encodeRecord(LATER, { id: 'strange' });

const asideOrNot = async (api: CoreApi): Promise<string> =>
  (await api.system.health()).setAside.length > 0 ? 'aside' : 'none';

/** As a later version would have written it. */
const later = (text: string): string => encodeRecord(LATER, decodeRecord(text)!.value);

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
    name: 'the start of a core on a command that was never begun',
    besides: [
      'recover.listed',
      'recover.settled',
      'recover.done',
      'reconcile.',
      'serve.',
      'record.',
      'boot.',
    ],
    core: { pool: { capacity: { max: 4 } } },
    whileStarting: true,
    // As if the core had died between the records of a start and the guest's answer.
    prepare: async (api, root) => {
      const { id } = await makeRunning(api);
      await eventually(async () => expect((await api.pools.get('default-pool')).idle).toBe(1));
      await changeRecords(root, async (table) => {
        const change = async (name: string, key: string, more: object): Promise<void> => {
          const { version, value } = decodeRecord(table(name).get(key)!)!;
          await table(name).put(key, encodeRecord(version, { ...(value as object), ...more }));
        };
        for (const { key, value } of [...table('instances').getRange({})]) {
          const { use } = decodeRecord(value)!.value as InstanceRecord;
          if (use?.by === 'sandbox' && use.sandboxId === id)
            await change('instances', key, { use: { by: 'nobody' } });
          if (use !== undefined) continue;
          await change('instances', key, { use: { by: 'sandbox', sandboxId: id } });
          await change('slots', id, { instance: key });
        }
        await change('sandboxes', id, { state: { phase: 'Pending' } });
      });
    },
    ends: 'Failed',
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
    // A core that found nothing set aside when it began does not look for it any more.
    restarted: true,
    act: (api) => api.system.removeSetAside(),
    outcome: asideOrNot,
    becomes: { aside: ['set-aside.', 'forget.'], none: ['set-aside.removed'] },
    ends: 'none',
    tidy: removeSetAside,
  }),
  scenario({
    name: 'system prune --set-aside of sandboxes',
    besides: ['destroy.', 'trash.', 'record.'],
    core: COLD,
    // Of one, which has ended, the node has the files; of the other it knows nothing but that it runs.
    prepare: async (api, root) => {
      const { id } = await makeRunning(api);
      await api.sandboxes.stop(box, { grace: 0 });
      const other = await make(api, RUNNING, {}, 'other');
      const instanceOf = (await api.system.usage()).instances.find(
        ({ sandboxId }) => sandboxId === other.id,
      )!.id;
      await changeRecords(root, async (table) => {
        await table('sandboxes').put(id, later(table('sandboxes').get(id)!));
        await table('instances').put(instanceOf, later(table('instances').get(instanceOf)!));
        for (const name of ['sandboxes', 'slots']) await table(name).remove(other.id);
      });
    },
    restarted: true,
    act: (api) => api.system.removeSetAside(),
    outcome: asideOrNot,
    becomes: { aside: ['set-aside.', 'forget.'], none: ['set-aside.dropped', 'set-aside.removed'] },
    ends: 'none',
    tidy: removeSetAside,
  }),
  scenario({
    name: 'delete of a sandbox that cannot be taken up',
    // Until its own record says that it goes, it may run on, and nobody reaches it.
    besides: ['record.', 'delete.begun', 'destroy.begun'],
    core: COLD,
    prepare: async (api, root) => {
      const { id } = await makeRunning(api);
      await changeRecords(
        root,
        async (table) => void (await table('slots').put(id, later(table('slots').get(id)!))),
      );
    },
    restarted: true,
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    outcome: async (api) => ((await find(api)) === undefined ? 'none' : 'there'),
    becomes: {
      there: ['destroy.', 'give-up.'],
      none: ['destroy.', 'give-up.', 'delete.', 'forget.', 'trash.'],
    },
    ends: 'none',
    tidy: removeSetAside,
  }),
];
