import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import type { InstanceRecord } from '../../../../src/core/agent/ledger/records.ts';
import { decodeRecord } from '../../../../src/core/store/record-table.ts';

const TABLES = ['sandboxes', 'slots', 'instances', 'retained-logs', 'set-aside'] as const;
const text = { encoding: 'string' } as const;

export interface Records {
  /** `table/key` of each, but for those of the pools. */
  keys: string[];
  /** By id, with who has it. */
  instances: Map<string, InstanceRecord['use']>;
}

/** Changes them beside a core that runs, which does not look at them again: what the next one finds. */
export async function changeRecords(
  root: string,
  change: (table: (name: string) => Database<string, string>) => Promise<void>,
): Promise<void> {
  const store = open<string, string>({
    ...{ path: join(root, 'state/records'), maxDbs: 32, compression: false, overlappingSync: false },
    ...text,
  });
  try {
    await change((name) => store.openDB<string, string>({ name, ...text }));
  } finally {
    await store.close();
  }
}

/** What a core that runs has on record, read beside it: as what another process finds on the disk. */
export async function recordsOn(root: string): Promise<Records> {
  const store = open<string, string>({
    ...{ path: join(root, 'state/records'), readOnly: true, maxDbs: 32, compression: false },
    ...text,
  });
  try {
    const entries = TABLES.flatMap((name) => {
      // The declaration leaves out that there may be no such table.
      const table = store.openDB<string, string>({ name, ...text }) as Database<string, string> | undefined;
      return [...(table?.getRange({}) ?? [])].map(({ key, value }) => ({ name, key, value }));
    });
    const instances = entries
      .filter(({ name }) => name === 'instances')
      .map(({ key, value }) => [key, (decodeRecord(value)!.value as InstanceRecord).use] as const);
    return { keys: entries.map(({ name, key }) => `${name}/${key}`), instances: new Map(instances) };
  } finally {
    await store.close();
  }
}
