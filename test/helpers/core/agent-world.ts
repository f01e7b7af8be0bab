import { Agent } from '../../../src/core/agent/agent.ts';
import type { SlotRecord } from '../../../src/core/agent/ledger/records.ts';
import { type RetainedLog, RetainedLogs } from '../../../src/core/agent/logs/retained-logs.ts';
import { poolApi } from '../../../src/core/agent/pool-api.ts';
import type { Doubt } from '../../../src/core/agent/recovery/doubt.ts';
import { type RecoveryOptions, recover } from '../../../src/core/agent/recovery/recover.ts';
import { Unsettled } from '../../../src/core/agent/recovery/unsettled.ts';
import type { ImageApi } from '../../../src/core/api/image-api.ts';
import type { LogStore } from '../../../src/core/logs/log-store.ts';
import type { Clock } from '../../../src/core/model/clock.ts';
import { memoryTable } from './memory-table.ts';
import type { buildNode } from './node-world.ts';

export interface AgentParts {
  node: ReturnType<typeof buildNode>;
  logs: LogStore;
  clock: Clock;
  slots?: ReturnType<typeof memoryTable<SlotRecord>>;
  retained?: ReturnType<typeof memoryTable<RetainedLog>>;
  /** Milliseconds that the logs of deleted sandboxes stay. */
  retention?: number;
  /** Left out: every record can be read. */
  doubt?: Partial<Doubt>;
  /** How what an earlier core has left is reached; left out: nothing runs. */
  adopt?: RecoveryOptions['adopt'];
}

const nothingRuns = (): Promise<never> => Promise.reject(new Error('nothing runs'));

/** The agent of a node on the fake driver; its records are in memory. */
export function buildAgent(parts: AgentParts) {
  const { node, logs, clock, retention = 0, doubt, adopt = nothingRuns, ...tables } = parts;
  const { ground, pools, admin, leases, runs, helpers, ledger, recording, events, images } = node;
  const { log } = ground;
  const slots = tables.slots ?? memoryTable<SlotRecord>();
  const table = tables.retained ?? memoryTable<RetainedLog>();
  const retained = new RetainedLogs({ table, logs, retention, clock, log });
  const unsettled = new Unsettled({ clock, log });
  const agent = new Agent({
    ...{ ...ground, node: 'here', pools, leases, runs, helpers, logs, retained, ledger, unsettled, slots },
    files: recording.files,
    abandon: (instance) => recording.destroy(instance),
    poolApi: poolApi(admin, leases, runs),
    imageApi: {} as ImageApi,
    events: (query, options) => events.read(query, options),
  });
  const nothing: Doubt = { instance: () => false, sandbox: () => false, pool: () => false };
  return {
    agent,
    slots,
    retained,
    unsettled,
    /** As a core that starts does. */
    recover: () =>
      recover({
        ...{ agent, leases, recording, pools, images, logs, retained, ledger, slots, unsettled, clock, log },
        doubt: { ...nothing, ...doubt },
        adopt,
      }),
    async close() {
      await agent.close();
      await Promise.all([retained.close(), unsettled.close()]);
    },
  };
}
