import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LeaseRequest } from '../../../src/core/api/pool-api.ts';
import type { Happening } from '../../../src/core/model/event.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { readLeaseRequest } from '../../../src/core/model/pool/lease-request.ts';
import type { PoolDetails, PoolEvent, PoolPolicy } from '../../../src/core/model/pool/pool.ts';
import { mergePolicy, type PoolPolicyInput, parsePolicy } from '../../../src/core/model/pool/pool-policy.ts';
import {
  eventFromWire,
  eventQueryFromWire,
  eventQueryToWire,
  eventToWire,
} from '../../../src/core/wire/convert/event.ts';
import {
  assertLeaseFitsWire,
  leaseFromWire,
  leaseRequestFromWire,
  leaseRequestToWire,
  leaseToWire,
} from '../../../src/core/wire/convert/lease.ts';
import {
  changeFromWire,
  changeToWire,
  poolDetailsFromWire,
  poolDetailsToWire,
  waitFromWire,
} from '../../../src/core/wire/convert/pool.ts';
import { policyFromWire, policyToWire } from '../../../src/core/wire/convert/pool-policy.ts';
import {
  assertPolicyFitsWire,
  policyInputFromWire,
  policyInputToWire,
} from '../../../src/core/wire/convert/pool-policy-input.ts';
import * as wire from '../../../src/core/wire/gen/fsb/v1/pool.ts';
import { WatchRequest, WatchResponse } from '../../../src/core/wire/gen/fsb/v1/system.ts';

const NODE = { cores: 2, pids: 32_768, memory: 2 ** 40 };
const text = fc.string({ unit: 'binary', minLength: 1 }).filter((value) => !value.includes('\0'));
const count = fc.nat(1000);
const some = fc.integer({ min: 1, max: 1000 });
const duration = fc.oneof(
  fc.constantFrom('90s', '1h30m', '500ms', '2d'),
  fc.integer({ min: 1, max: 10_000 }),
);
const orNever = fc.oneof(duration, fc.constant(0));
const size = fc.oneof(
  fc.constantFrom('512m', '1.5g', '10MB'),
  fc.integer({ min: 6 * 1024 * 1024, max: 2 ** 40 }),
);
const rate = fc.double({ min: 0, max: 1, noNaN: true });
const part = <T>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
const disk = fc.oneof(fc.constantFrom('512m', '1.5g'), fc.integer({ min: 16 * 1024 ** 2, max: 1024 ** 4 }));
const resources = part({
  cpus: fc.double({ min: 0.01, max: 1000, noNaN: true }),
  ...{ memory: size, pids: some, disk },
});

/** Each value is right by itself; together they may contradict each other. */
const said = fc.record(
  {
    name: fc.constantFrom('a', 'pool-2'),
    size: some,
    warm: fc.array(fc.record({ image: text, count }, { requiredKeys: ['image'] }), { maxLength: 3 }),
    capacity: part({ min: count, max: some, buffer_min: count, buffer_max: count }),
    memory_budget: size,
    ttl: orNever,
    max_age: orNever,
    on_empty: fc.constantFrom('boot', 'wait', 'fail'),
    queue: part({ length: some, timeout: duration }),
    reuse: fc.constantFrom('one-shot', 'sticky'),
    pause_idle: fc.boolean(),
    health: part({ interval: orNever, timeout: duration }),
    warmup: fc.array(text, { maxLength: 3 }),
    autoscale: part({
      ...{ enabled: fc.boolean(), up: rate, down: rate, window: duration, cooldown: orNever },
      max_step: some,
    }),
    runtime: fc.constantFrom('auto', 'runc'),
    resources,
    lease_ttl: orNever,
    boot_concurrency: some,
    boot_timeout: duration,
  },
  { requiredKeys: ['name'] },
) as fc.Arbitrary<PoolPolicyInput>;

const policy: fc.Arbitrary<PoolPolicy> = said.map((input) => {
  try {
    return parsePolicy(input, NODE);
  } catch {
    return parsePolicy({ name: input.name, ttl: input.ttl, on_empty: input.on_empty }, NODE);
  }
});

/** What the core makes of it: a policy, or the error. */
function verdict(input: PoolPolicyInput): unknown {
  try {
    return parsePolicy(input, NODE);
  } catch (error) {
    return FsbError.from(error).toBody();
  }
}

const caught = (work: () => unknown): FsbError => {
  try {
    work();
  } catch (error) {
    return FsbError.from(error);
  }
  throw new Error('it did not throw');
};

const throughPolicy = (value: wire.PoolPolicy): wire.PoolPolicy =>
  wire.PoolPolicy.decode(wire.PoolPolicy.encode(value).finish());

describe('pools on the wire', () => {
  it('carry what a user said, so that the core understands the same', async () => {
    await fc.assert(
      fc.asyncProperty(said, async (input) => {
        await assertPolicyFitsWire(input);
        const arrived = policyInputFromWire(throughPolicy(policyInputToWire(input))) as PoolPolicyInput;
        expect(Object.keys(arrived).sort()).toEqual(Object.keys(input).sort());
        expect(verdict(arrived)).toEqual(verdict(input));
      }),
    );
  });

  it('carry a change, and nothing that was not said', async () => {
    await fc.assert(
      fc.asyncProperty(said, said, async (before, { name: _, ...change }) => {
        await assertPolicyFitsWire(change, 'a');
        const request = { policy: change, start: true, reset: false, pressure: 0.25 };
        const sent = wire.UpdatePoolRequest.encode(changeToWire('a', request)).finish();
        const arrived = changeFromWire(wire.UpdatePoolRequest.decode(sent));
        expect({ ...arrived, policy: undefined }).toEqual({ ...request, policy: undefined });
        expect(verdict(mergePolicy(before, arrived.policy!))).toEqual(verdict(mergePolicy(before, change)));
      }),
    );
    const empty = wire.UpdatePoolRequest.encode(changeToWire('a', {})).finish();
    expect(changeFromWire(wire.UpdatePoolRequest.decode(empty))).toEqual({ start: false, reset: false });
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 1e300])('refuse to wait %d milliseconds', (timeout) => {
    const sent = wire.StopPoolRequest.encode({ name: 'a', timeoutMilliseconds: timeout }).finish();
    const error = caught(() => waitFromWire(wire.StopPoolRequest.decode(sent)));
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('timeout') });
  });

  it.each([undefined, 0, 0.5, 60_000])('say to wait %s milliseconds', (timeout) => {
    const request = { name: 'a', force: false, timeoutMilliseconds: timeout };
    const sent = wire.DrainPoolRequest.encode(request).finish();
    expect(waitFromWire(wire.DrainPoolRequest.decode(sent)).timeout).toBe(timeout);
  });

  it('refuse what protobuf would drop or bend, with the words of the core', async () => {
    const wrong: unknown[] = [
      { name: 'a', capasity: { max: 1 } },
      { name: 'a', capacity: { maxx: 1 } },
      { name: 'a', capacity: [1] },
      { name: 'a', warm: [{ image: 'host', size: 2 }] },
      { name: 'a', warm: [{ image: 'host', count: 1.5 }] },
      { name: 'a', warm: 'host=2' },
      { name: 'a', size: '2' },
      { name: 'a', ttl: 'soon' },
      { name: 'a', memory_budget: 'abc' },
      { name: 'a', pause_idle: 'yes' },
      { name: 'a', resources: { cpu: 1 } },
      { name: 'a', autoscale: { up: 2 } },
      { name: 'a', warmup: 'true' },
      { name: 'A!' },
      {},
      null,
    ];
    for (const input of wrong) {
      const expected = caught(() => parsePolicy(input, NODE));
      const call = assertPolicyFitsWire(input as PoolPolicyInput);
      expect(FsbError.from(await call.catch((error: unknown) => error)).toBody()).toEqual(expected.toBody());
    }
  });

  it('carry a policy and a pool exactly', () => {
    const moment = fc.double({ min: 0, max: 1e15, noNaN: true });
    const counts = { idle: count, claimed: count, booting: count, stopping: count, waiting: count };
    const details: fc.Arbitrary<PoolDetails> = fc.record({
      ...{ name: text, state: fc.constantFrom('active', 'stopped', 'drained'), policy, createdAt: moment },
      ...{ ...counts, memory: fc.maxSafeNat(), min: count },
      shapes: fc.array(
        fc.record(
          {
            ...{ pool: text, shape: text, image: text, max: count, warm: count, ...counts },
            ...{ hits: count, misses: count, evicted: count, breaker: text, p50: moment, p99: moment },
          },
          {
            requiredKeys: [
              ...(['pool', 'shape', 'image', 'max', 'warm', 'idle', 'claimed', 'booting'] as const),
              ...(['stopping', 'waiting', 'hits', 'misses', 'evicted'] as const),
            ],
          },
        ),
        { maxLength: 2 },
      ),
      instances: fc.array(
        fc.record(
          {
            ...{ id: text, shape: text, image: text, pid: some, age: moment, holder: text },
            state: fc.constantFrom('idle', 'paused', 'claimed', 'stopping'),
          },
          { requiredKeys: ['id', 'shape', 'image', 'pid', 'age', 'state'] },
        ),
        { maxLength: 2 },
      ),
    }) as fc.Arbitrary<PoolDetails>;
    fc.assert(
      fc.property(details, (value) => {
        const sent = wire.GetPoolResponse.encode(poolDetailsToWire(value)).finish();
        expect(poolDetailsFromWire(wire.GetPoolResponse.decode(sent))).toEqual(value);
      }),
    );
  });

  it('do not invent a policy from an answer that lacks a part', () => {
    const whole = policyToWire(parsePolicy({ name: 'a' }, NODE));
    const answer = (missing: object): unknown => policyFromWire(throughPolicy({ ...whole, ...missing }));
    expect(answer({})).toEqual(parsePolicy({ name: 'a' }, NODE));
    for (const key of Object.keys(whole))
      expect(() => answer({ [key]: undefined })).toThrow(`without ${key} in its policy`);
    expect(() => answer({ queue: { length: 3 } })).toThrow('without timeoutMilliseconds in its queue');
    expect(() => policyFromWire(undefined)).toThrow('without name in its policy');
  });
});

describe('leases on the wire', () => {
  const request = fc.record(
    {
      pool: text,
      image: text,
      resources,
      network: fc.constantFrom('none', 'host'),
      mounts: fc.array(
        fc.record(
          { source: text.map((path) => `/${path}`), target: fc.constant('/t'), read_only: fc.boolean() },
          { requiredKeys: ['source', 'target'] },
        ),
        { maxLength: 2 },
      ),
      onEmpty: fc.constantFrom('boot', 'wait', 'fail'),
      wait: fc.double({ min: 0, max: 1e9, noNaN: true }),
      ttl: count,
      imageDigest: fc.constant(`sha256:${'a'.repeat(64)}`),
    },
    { requiredKeys: ['pool'] },
  ) as fc.Arbitrary<LeaseRequest>;

  it('carry what was asked for, so that the core understands the same', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (value) => {
        await assertLeaseFitsWire(value);
        const sent = wire.LeaseRequest.encode(leaseRequestToWire(value)).finish();
        const arrived = leaseRequestFromWire(wire.LeaseRequest.decode(sent));
        expect(readLeaseRequest(arrived)).toEqual(readLeaseRequest(value));
      }),
    );
  });

  it('refuse what protobuf would drop, and keep words that the core refuses', async () => {
    for (const wrong of [
      { pool: 'a', imgae: 'host' },
      { pool: 'a', resources: { cpu: 1 } },
      { pool: 'a', mounts: [{ source: '/a', target: '/b', readonly: true }] },
      { pool: 'a', wait: '3s' },
    ]) {
      const expected = caught(() => readLeaseRequest(wrong));
      const call = assertLeaseFitsWire(wrong as LeaseRequest);
      expect(FsbError.from(await call.catch((error: unknown) => error)).toBody()).toEqual(expected.toBody());
    }
    const strange = leaseRequestFromWire(wire.LeaseRequest.fromPartial({ pool: 'a', onEmpty: 'never' }));
    expect(() => readLeaseRequest(strange)).toThrow(/onEmpty/);
  });

  it('carry a lease exactly', () => {
    const lease = {
      ...{ id: 'l1', pool: 'p', image: 'host', instance: 'i1', warm: true, createdAt: 1.5 },
      ...{ ttl: 0, running: 2 },
    };
    for (const each of [lease, { ...lease, label: 'mine' }])
      expect(leaseFromWire(wire.LeaseInfo.decode(wire.LeaseInfo.encode(leaseToWire(each)).finish()))).toEqual(
        each,
      );
  });
});

describe('events on the wire', () => {
  const events: PoolEvent[] = [
    ...(['created', 'idle', 'claimed', 'paused', 'resumed', 'returned'] as const).map((type) => ({
      type,
      ...{ instance: 'i1', shape: 's' },
    })),
    { type: 'evicted', instance: 'i1', shape: 's', cause: 'room' },
    { type: 'destroyed', instance: 'i1', shape: 's', cause: 'released' },
    { type: 'boot-failed', instance: 'i1', shape: 's', cause: 'no kernel' },
    { type: 'refill', shape: 's', count: 3 },
    { type: 'scaled', min: 0 },
    { type: 'drained' },
  ];

  it.each(events)('are carried exactly: $type', (event) => {
    const whole = { seq: 2 ** 50, time: 1.5, pool: 'p', event };
    expect(eventFromWire(WatchResponse.decode(WatchResponse.encode(eventToWire(whole)).finish()))).toEqual(
      whole,
    );
  });

  const sandbox = { id: 'a1', namespace: 'default', name: 'box', image: 'host', labels: { team: 'red' } };
  const image = { digest: 'sha256:ab', names: ['docker.io/library/alpine:latest'] };
  const told: Happening[] = [
    { sandbox, event: { type: 'started' } },
    { sandbox, event: { type: 'exited', code: 0 } },
    { sandbox, event: { type: 'exited', code: 143, signal: 'SIGTERM' } },
    { sandbox, event: { type: 'failed', reason: 'out of memory' } },
    { sandbox, event: { type: 'lost', reason: 'gone' } },
    { sandbox, event: { type: 'lost', reason: 'gone', recreateAt: 1_700_000_000_000.5 } },
    { sandbox, event: { type: 'renamed', from: 'old' } },
    { image, event: { type: 'tagged' } },
    { image: { digest: '', names: [] }, event: { type: 'pruned', freed: 2 ** 40 } },
  ];

  it.each(told)('of sandboxes and images, too: %j', (happening) => {
    const whole = { seq: 2, time: 1.5, ...happening };
    expect(eventFromWire(WatchResponse.decode(WatchResponse.encode(eventToWire(whole)).finish()))).toEqual(
      whole,
    );
  });

  it('are those of pools for a caller that says no kinds, as those of an earlier version', () => {
    const asked = (query: Partial<WatchRequest>) =>
      eventQueryFromWire(WatchRequest.decode(WatchRequest.encode(WatchRequest.fromPartial(query)).finish()));
    expect(asked({ after: 3 })).toEqual({ after: 3, kinds: ['pool'] });
    expect(asked(eventQueryToWire({ since: 5, follow: false }))).toEqual({
      ...{ since: 5, follow: false },
      kinds: ['pool', 'sandbox', 'image'],
    });
  });
});
