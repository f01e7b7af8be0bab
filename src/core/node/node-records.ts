import { Ledger } from '../agent/ledger/ledger.ts';
import { isInstanceRecord, isSlotRecord } from '../agent/ledger/record-forms.ts';
import {
  INSTANCE_RECORD_VERSION,
  type InstanceRecord,
  SLOT_RECORD_VERSION,
  type SlotRecord,
  upgradeInstanceRecord,
} from '../agent/ledger/records.ts';
import { isRetainedLog, RETAINED_LOG_VERSION, type RetainedLog } from '../agent/logs/retained-logs.ts';
import { isPoolRecord, POOL_RECORD_VERSION, type PoolRecord } from '../agent/pools/pool-record.ts';
import type { RecordStore, RecordTable } from '../store/store.ts';

/** What a node has on record. */
export interface NodeRecords {
  ledger: Ledger;
  slots: RecordTable<SlotRecord>;
  poolTable: RecordTable<PoolRecord>;
  retainedTable: RecordTable<RetainedLog>;
}

export function nodeRecords(records: RecordStore): NodeRecords {
  const instances = records.table<InstanceRecord>('instances', INSTANCE_RECORD_VERSION, {
    upgrade: upgradeInstanceRecord,
    fits: isInstanceRecord,
  });
  return {
    ledger: new Ledger(instances),
    slots: records.table('slots', SLOT_RECORD_VERSION, { fits: isSlotRecord }),
    poolTable: records.table('pools', POOL_RECORD_VERSION, { fits: isPoolRecord }),
    retainedTable: records.table('retained-logs', RETAINED_LOG_VERSION, { fits: isRetainedLog }),
  };
}
