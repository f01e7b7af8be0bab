import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../../src/core/model/clock.ts';
import { openRecordStore } from '../../../src/core/store/record-store.ts';
import type { RecordStore } from '../../../src/core/store/store.ts';

export interface Place extends AsyncDisposable {
  /** Of the environment; may not exist yet. */
  directory: string;
  /** What the stores logged, as JSON. */
  logged: { msg: string; [key: string]: unknown }[];
  open(directory?: string): Promise<RecordStore>;
}

/** A place for records that goes away, with every store that was opened in it, at the end of the test. */
export async function makePlace(): Promise<Place> {
  const parent = await mkdtemp(join(tmpdir(), 'fsb-store-'));
  const stores: RecordStore[] = [];
  const logged: Place['logged'] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => logged.push(JSON.parse(line)) });
  return {
    directory: join(parent, 'records'),
    logged,
    async open(directory = join(parent, 'records')) {
      const store = await openRecordStore({ directory, clock: systemClock, log });
      stores.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close();
      await rm(parent, { recursive: true, force: true });
    },
  };
}
