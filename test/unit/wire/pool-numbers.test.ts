import { describe, expect, it } from 'vitest';
import * as pool from '../../../src/core/wire/gen/fsb/v1/pool.ts';
import * as system from '../../../src/core/wire/gen/fsb/v1/system.ts';

/** As much of a generated message as this needs; each knows its own type. */
interface Message {
  // biome-ignore lint/suspicious/noExplicitAny: one table for messages of every type
  encode(message: any): { finish(): Uint8Array };
  // biome-ignore lint/suspicious/noExplicitAny: as above
  fromPartial(partial: any): unknown;
}

/** A value of each kind that a field may have, and how the wire carries it: varint, 64 bits, or length and bytes. */
const kinds = {
  whole: [7, 0],
  flag: [true, 0],
  fraction: [0.5, 1],
  text: ['t', 2],
  texts: [['t'], 2],
  part: [{}, 2],
  parts: [[{}], 2],
  map: [{ k: 'v' }, 2],
} as const;
type Kind = keyof typeof kinds;

/** Every field of the messages of pools and events. A number that changes breaks every client that is out there. */
const messages: Record<string, [Message, Record<string, [number, Kind]>]> = {
  PoolStatusRequest: [pool.PoolStatusRequest, { pool: [1, 'text'] }],
  PoolStatusResponse: [pool.PoolStatusResponse, { rows: [1, 'parts'] }],
  PoolShapeStatus: [
    pool.PoolShapeStatus,
    {
      ...{ pool: [1, 'text'], shape: [2, 'text'], image: [3, 'text'], max: [4, 'whole'], idle: [5, 'whole'] },
      ...{ claimed: [6, 'whole'], booting: [7, 'whole'], stopping: [8, 'whole'], waiting: [9, 'whole'] },
      ...{ hits: [10, 'whole'], misses: [11, 'whole'], evicted: [12, 'whole'], breaker: [13, 'text'] },
      ...{ p50Milliseconds: [14, 'fraction'], p99Milliseconds: [15, 'fraction'], warm: [16, 'whole'] },
      bootedWith: [17, 'part'],
    },
  ],
  ShapeSummary: [
    pool.ShapeSummary,
    {
      ...{ runtime: [1, 'text'], resources: [2, 'part'], network: [3, 'text'], mounts: [4, 'texts'] },
      keptFiles: [5, 'flag'],
    },
  ],
  ListPoolsResponse: [pool.ListPoolsResponse, { pools: [1, 'parts'] }],
  GetPoolRequest: [pool.GetPoolRequest, { name: [1, 'text'] }],
  GetPoolResponse: [
    pool.GetPoolResponse,
    { pool: [1, 'part'], shapes: [2, 'parts'], instances: [3, 'parts'] },
  ],
  CreatePoolRequest: [pool.CreatePoolRequest, { policy: [1, 'part'] }],
  CreatePoolResponse: [pool.CreatePoolResponse, { pool: [1, 'part'] }],
  UpdatePoolRequest: [
    pool.UpdatePoolRequest,
    {
      ...{ name: [1, 'text'], policy: [2, 'part'], start: [3, 'flag'], reset: [4, 'flag'] },
      pressure: [5, 'fraction'],
    },
  ],
  UpdatePoolResponse: [pool.UpdatePoolResponse, { pool: [1, 'part'] }],
  DeletePoolRequest: [pool.DeletePoolRequest, { name: [1, 'text'], force: [2, 'flag'] }],
  StopPoolRequest: [pool.StopPoolRequest, { name: [1, 'text'], timeoutMilliseconds: [2, 'fraction'] }],
  StopPoolResponse: [pool.StopPoolResponse, { pool: [1, 'part'] }],
  DrainPoolRequest: [
    pool.DrainPoolRequest,
    { name: [1, 'text'], timeoutMilliseconds: [2, 'fraction'], force: [3, 'flag'] },
  ],
  DrainPoolResponse: [pool.DrainPoolResponse, { pool: [1, 'part'] }],
  PoolInfo: [
    pool.PoolInfo,
    {
      ...{
        name: [1, 'text'],
        state: [2, 'text'],
        policy: [3, 'part'],
        createdAtMilliseconds: [4, 'fraction'],
      },
      ...{ idle: [5, 'whole'], claimed: [6, 'whole'], booting: [7, 'whole'], stopping: [8, 'whole'] },
      ...{ waiting: [9, 'whole'], memory: [10, 'whole'], min: [11, 'whole'] },
    },
  ],
  PoolInstance: [
    pool.PoolInstance,
    {
      ...{ id: [1, 'text'], shape: [2, 'text'], image: [3, 'text'], state: [4, 'text'], pid: [5, 'whole'] },
      ...{ ageMilliseconds: [6, 'fraction'], holder: [7, 'text'] },
    },
  ],
  PoolPolicy: [
    pool.PoolPolicy,
    {
      ...{ name: [1, 'text'], size: [2, 'whole'], warm: [3, 'part'], capacity: [4, 'part'] },
      ...{
        memoryBudget: [5, 'whole'],
        ttlMilliseconds: [6, 'fraction'],
        maxAgeMilliseconds: [7, 'fraction'],
      },
      ...{ onEmpty: [8, 'text'], queue: [9, 'part'], reuse: [10, 'text'], pauseIdle: [11, 'flag'] },
      ...{ health: [12, 'part'], warmup: [13, 'part'], autoscale: [14, 'part'], runtime: [15, 'text'] },
      ...{ resources: [16, 'part'], leaseTtlMilliseconds: [17, 'fraction'], bootConcurrency: [18, 'whole'] },
      bootTimeoutMilliseconds: [19, 'fraction'],
    },
  ],
  WarmEntries: [pool.WarmEntries, { entries: [1, 'parts'] }],
  WarmEntry: [pool.WarmEntry, { image: [1, 'text'], count: [2, 'whole'] }],
  Arguments: [pool.Arguments, { argv: [1, 'texts'] }],
  PoolCapacity: [
    pool.PoolCapacity,
    { min: [1, 'whole'], max: [2, 'whole'], bufferMin: [3, 'whole'], bufferMax: [4, 'whole'] },
  ],
  PoolQueue: [pool.PoolQueue, { length: [1, 'whole'], timeoutMilliseconds: [2, 'fraction'] }],
  PoolHealth: [
    pool.PoolHealth,
    { intervalMilliseconds: [1, 'fraction'], timeoutMilliseconds: [2, 'fraction'] },
  ],
  PoolAutoscale: [
    pool.PoolAutoscale,
    {
      ...{ enabled: [1, 'flag'], up: [2, 'fraction'], down: [3, 'fraction'] },
      ...{
        windowMilliseconds: [4, 'fraction'],
        cooldownMilliseconds: [5, 'fraction'],
        maxStep: [6, 'whole'],
      },
    },
  ],
  LeaseRequest: [
    pool.LeaseRequest,
    {
      ...{ pool: [1, 'text'], image: [2, 'text'], resources: [3, 'part'], network: [4, 'text'] },
      ...{ mounts: [5, 'parts'], onEmpty: [6, 'text'], waitMilliseconds: [7, 'fraction'] },
      ...{ ttlMilliseconds: [8, 'fraction'], label: [9, 'text'], imageDigest: [10, 'text'] },
    },
  ],
  LeaseResponse: [pool.LeaseResponse, { lease: [1, 'part'] }],
  LeasesResponse: [pool.LeasesResponse, { leases: [1, 'parts'] }],
  LeaseInfo: [
    pool.LeaseInfo,
    {
      ...{ id: [1, 'text'], pool: [2, 'text'], image: [3, 'text'], instance: [4, 'text'], warm: [5, 'flag'] },
      ...{ createdAtMilliseconds: [6, 'fraction'], ttlMilliseconds: [7, 'fraction'], running: [8, 'whole'] },
      label: [9, 'text'],
    },
  ],
  KillLeaseRequest: [pool.KillLeaseRequest, { id: [1, 'text'] }],
  ReleaseLeaseRequest: [pool.ReleaseLeaseRequest, { id: [1, 'text'], destroy: [2, 'flag'] }],
  WatchRequest: [
    system.WatchRequest,
    {
      ...{ after: [1, 'whole'], pool: [2, 'text'], follow: [3, 'flag'] },
      ...{ kinds: [4, 'texts'], sinceMilliseconds: [5, 'fraction'] },
    },
  ],
  WatchResponse: [
    system.WatchResponse,
    {
      ...{ seq: [1, 'whole'], timeMilliseconds: [2, 'fraction'], pool: [3, 'text'], event: [4, 'part'] },
      ...{ sandbox: [5, 'part'], image: [6, 'part'] },
    },
  ],
  SandboxEvent: [
    system.SandboxEvent,
    {
      ...{
        type: [1, 'text'],
        id: [2, 'text'],
        namespace: [3, 'text'],
        name: [4, 'text'],
        image: [5, 'text'],
      },
      ...{ labels: [6, 'map'], code: [7, 'whole'], signal: [8, 'text'], reason: [9, 'text'] },
      ...{ from: [10, 'text'], recreateAtMilliseconds: [11, 'fraction'] },
    },
  ],
  ImageEvent: [
    system.ImageEvent,
    { type: [1, 'text'], digest: [2, 'text'], names: [3, 'texts'], freed: [4, 'whole'] },
  ],
  PoolEvent: [
    system.PoolEvent,
    {
      ...{ type: [1, 'text'], instance: [2, 'text'], shape: [3, 'text'], cause: [4, 'text'] },
      ...{ count: [5, 'whole'], min: [6, 'whole'] },
    },
  ],
};

/** Number and kind of the first field, as protobuf writes it: seven bits a byte, the last byte below 128. */
function firstTag(bytes: Uint8Array): { number: number; carriedAs: number } {
  const tag = bytes[0]! < 128 ? bytes[0]! : (bytes[0]! & 127) | (bytes[1]! << 7);
  return { number: tag >>> 3, carriedAs: tag & 7 };
}

describe('the wire of pools and events', () => {
  it.each(Object.entries(messages))('keeps the field numbers of %s', (_, [message, fields]) => {
    for (const [name, [number, kind]] of Object.entries(fields)) {
      const [value, carriedAs] = kinds[kind];
      const bytes = message.encode(message.fromPartial({ [name]: value })).finish();
      expect({ name, ...firstTag(bytes) }).toEqual({ name, number, carriedAs });
    }
    expect(Object.keys(message.fromPartial({}) as object).sort()).toEqual(Object.keys(fields).sort());
  });

  it('keeps the names of its methods', () => {
    expect(Object.values(pool.PoolServiceService).map(({ path }) => path as string)).toEqual(
      [
        ...['Status', 'List', 'Get', 'Create', 'Update', 'Delete', 'Stop', 'Drain'],
        ...['Lease', 'Leases', 'KillLease', 'ReleaseLease'],
      ].map((method) => `/fsb.v1.PoolService/${method}`),
    );
    expect(system.SystemServiceService.watch).toMatchObject({
      path: '/fsb.v1.SystemService/Watch',
      responseStream: true,
    });
  });
});
