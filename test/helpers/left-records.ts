import { join } from 'node:path';
import { pino } from 'pino';
import { openRecordStore } from '../../src/core/store/record-store.ts';

/** The records that a core which has ended left on its root: `table/key`. */
export async function leftRecords(root: string): Promise<string[]> {
  const log = pino({ level: 'silent' });
  const store = await openRecordStore({ directory: join(root, 'state/records'), log });
  try {
    return ['sandboxes', 'instances', 'slots'].flatMap((table) =>
      [...store.table(table, 1).entries()].map(([key]) => `${table}/${key}`),
    );
  } finally {
    await store.close();
  }
}
