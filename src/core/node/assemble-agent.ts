import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { Agent } from '../agent/agent.ts';
import { HelperInstances } from '../agent/files/helper-instances.ts';
import { imageApi } from '../agent/image-api.ts';
import { Leases } from '../agent/leases/leases.ts';
import { Runs } from '../agent/leases/runs.ts';
import { keepsFiles } from '../agent/ledger/kept-files.ts';
import type { RecordingDriver } from '../agent/ledger/recording-driver.ts';
import type { RetainedLogs } from '../agent/logs/retained-logs.ts';
import { poolApi } from '../agent/pool-api.ts';
import { PoolAdmin } from '../agent/pools/pool-admin.ts';
import { Pools } from '../agent/pools/pools.ts';
import { Unsettled } from '../agent/recovery/unsettled.ts';
import type { Cleanup } from '../cleanup.ts';
import type { EventLog } from '../events/event-log.ts';
import type { LocalImageStore } from '../image/image-store.ts';
import type { LogStore } from '../logs/log-store.ts';
import { machineInfo, mostPids } from '../machine.ts';
import type { PoolPolicy } from '../model/pool/pool.ts';
import type { Pool } from '../pool/pool.ts';
import type { NodeOptions } from './node-options.ts';
import type { NodeRecords } from './node-records.ts';

export interface AgentParts extends Pick<NodeOptions, 'paths' | 'clock'> {
  /** The name of what boots sandboxes. */
  runtime: string;
  recording: RecordingDriver;
  images: LocalImageStore;
  logs: LogStore;
  retained: RetainedLogs;
  events: EventLog;
  onRecord: NodeRecords;
  makePool: (policy: PoolPolicy) => Pool;
  logOf: (component: string) => Logger;
}

/** The agent, and those parts of it that whoever recovers and tidies it knows. */
export interface AgentAssembly {
  agent: Agent;
  pools: Pools;
  leases: Leases;
  unsettled: Unsettled;
}

/** Empty: no pool is open, and nothing is recovered. */
export function assembleAgent(parts: AgentParts, cleanup: Cleanup): AgentAssembly {
  const { paths, runtime, recording, images, logs, retained, events, makePool, clock, logOf } = parts;
  const { ledger, slots, poolTable: table } = parts.onRecord;
  const { files } = recording;
  const { cpus: cores, memory } = machineInfo();
  const most = { cores, pids: mostPids() };
  const size = { ...most, memory };
  const ownDirectories = [paths.state, paths.run];
  const ground = { images, runtime, most, ownDirectories, clock, log: logOf('agent') };
  const pools = new Pools({
    ...ground,
    log: logOf('pools'),
    node: size,
    ...{ table, makePool, ledger, events, files },
  });
  const leases = new Leases({ ...ground, pools });
  const runs = new Runs({ ...ground, pools });
  const helpers = new HelperInstances({ ...ground, pools, ledger, files });
  const endedOn = (digest: string): string[] =>
    files
      .ownersOn(digest)
      .map((sandboxId) => slots.get(sandboxId)?.claimName ?? sandboxId)
      .sort();
  const unsettled = new Unsettled({ clock, log: logOf('agent') });
  const agent = new Agent({
    ...ground,
    node: hostname(),
    ...{ pools, leases, runs, helpers, logs, retained, slots, ledger, files, unsettled },
    abandon: (instance, filesFor) => {
      const { shape = {}, pool = '' } = ledger.get(instance) ?? {};
      if (filesFor !== undefined && keepsFiles(shape, pools.find(pool)?.pool.policy))
        files.keep(instance, filesFor);
      else files.drop(instance);
      return recording.destroy(instance);
    },
    poolApi: poolApi(new PoolAdmin({ node: size, runtime, pools, table, clock }), leases, runs),
    imageApi: imageApi(images, pools, endedOn),
    events: (query, callOptions) => events.read(query, callOptions),
  });
  cleanup.add('agent', () => agent.close());
  cleanup.add('unsettled instances', () => unsettled.close());
  return { agent, pools, leases, unsettled };
}
