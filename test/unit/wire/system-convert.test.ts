import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { InstanceHolder, SystemHealth, SystemUsage } from '../../../src/core/model/system.ts';
import { systemFromWire, systemToWire } from '../../../src/core/wire/convert/admin.ts';
import {
  healthFromWire,
  healthToWire,
  usageFromWire,
  usageToWire,
} from '../../../src/core/wire/convert/system.ts';
import {
  SystemHealthResponse,
  SystemInfoResponse,
  SystemUsageResponse,
} from '../../../src/core/wire/gen/fsb/v1/system.ts';

const text = fc.string({ unit: 'binary' });
const bytes = fc.maxSafeNat();
const setAside = fc.array(fc.record({ path: text, size: bytes }));
const records = { count: fc.nat(), size: bytes };
const holder = fc.constantFrom<InstanceHolder>('sandbox', 'files', 'lease', 'run', 'idle', 'nobody');
const instance = { id: text, pool: text, holder, sandboxId: text, files: bytes, memory: bytes };

const usage = fc.record({
  images: fc.record({ size: bytes, reclaimable: bytes, leftovers: bytes }),
  instances: fc.array(fc.record(instance, { requiredKeys: ['id', 'pool', 'holder', 'files', 'memory'] })),
  logs: fc.array(fc.record({ sandboxId: text, size: bytes })),
  records: fc.record(records),
  setAside,
  trash: bytes,
}) as fc.Arbitrary<SystemUsage>;

const failure = fc.record({ at: fc.double({ min: 0, noNaN: true }), message: text, over: fc.boolean() });
const health = fc.record({
  records: fc.record({ ...records, failure }, { requiredKeys: ['count', 'size'] }),
  setAside,
  logs: bytes,
  damagedLogs: fc.array(text),
  disk: fc.record({ free: bytes, total: bytes }),
  recovery: fc.record({
    ...{ running: fc.nat(), leases: fc.nat(), idle: fc.nat(), files: fc.nat() },
    ...{ destroyed: fc.nat(), lost: fc.nat(), failed: fc.nat() },
  }),
  unsettled: fc.array(
    fc.record({ instance: text, sandboxId: text, reason: text }, { requiredKeys: ['instance', 'reason'] }),
  ),
  stuck: fc.array(text),
}) as fc.Arbitrary<SystemHealth>;

it('what everything takes comes over the wire as it is', () => {
  fc.assert(
    fc.property(usage, (told) => {
      const bytesSent = SystemUsageResponse.encode(usageToWire(told)).finish();
      expect(usageFromWire(SystemUsageResponse.decode(bytesSent))).toEqual(told);
    }),
  );
});

it.each([[undefined], [[]], [['--http=off', '--token-file=/a b']]])(
  'what it was started with comes over the wire as it is: %j',
  (flags) => {
    const info = {
      ...{
        version: '1',
        node: 'n',
        pid: 7,
        root: '/',
        runtime: 'runc',
        http: '',
        metrics: '',
        cgroups: 'v2',
      },
      ...{ startedAt: 1.5, cpus: 2, memory: 9, kernel: '6', system: '', architecture: 'arm64', logBytes: 3 },
      ...(flags && { flags }),
    };
    const bytesSent = SystemInfoResponse.encode(systemToWire(info)).finish();
    expect(systemFromWire(SystemInfoResponse.decode(bytesSent))).toEqual(info);
  },
);

it('how the core is comes over the wire as it is', () => {
  fc.assert(
    fc.property(health, (told) => {
      const bytesSent = SystemHealthResponse.encode(healthToWire(told)).finish();
      expect(healthFromWire(SystemHealthResponse.decode(bytesSent))).toEqual(told);
    }),
  );
});
