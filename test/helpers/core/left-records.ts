import { join } from 'node:path';
import { pino } from 'pino';
import { INSTANCE_RECORD_VERSION, SLOT_RECORD_VERSION } from '../../../src/core/agent/ledger/records.ts';
import { RETAINED_LOG_VERSION } from '../../../src/core/agent/logs/retained-logs.ts';
import { SANDBOX_RECORD_VERSION } from '../../../src/core/controller/records/registry.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { openRecordStore } from '../../../src/core/store/record-store.ts';

/** The pools are not among them: they are meant to stay. */
const tables = {
  sandboxes: SANDBOX_RECORD_VERSION,
  instances: INSTANCE_RECORD_VERSION,
  slots: SLOT_RECORD_VERSION,
  'retained-logs': RETAINED_LOG_VERSION,
};

/** The records that a core which has ended left on its root: `table/key`; `set-aside/table` for what cannot be read. */
export async function leftRecords(root: string): Promise<string[]> {
  const log = pino({ level: 'silent' });
  const store = await openRecordStore({ directory: join(root, 'state/records'), clock: systemClock, log });
  try {
    const left = Object.entries(tables).flatMap(([table, version]) =>
      [...store.table(table, version).entries()].map(([key]) => `${table}/${key}`),
    );
    return [...left, ...store.health().setAside.map(({ table }) => `set-aside/${table}`)];
  } finally {
    await store.close();
  }
}
