import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SandboxChange } from '../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { PhaseState } from '../../../src/core/model/sandbox/phase.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { parseSpec, type SandboxSpecInput } from '../../../src/core/model/sandbox/spec.ts';
import { startFromWire, startToWire } from '../../../src/core/wire/convert/agent.ts';
import { assertChangeFitsWire, changeFromWire, changeToWire } from '../../../src/core/wire/convert/change.ts';
import { assertSpecFitsWire, createFromWire, createToWire } from '../../../src/core/wire/convert/create.ts';
import { deleteFromWire, deleteToWire } from '../../../src/core/wire/convert/parts.ts';
import {
  pageQueryFromWire,
  pageQueryToWire,
  sandboxFromWire,
  sandboxToWire,
} from '../../../src/core/wire/convert/sandbox.ts';
import {
  usageFromWire,
  usageQueryFromWire,
  usageQueryToWire,
  usageToWire,
} from '../../../src/core/wire/convert/usage.ts';
import {
  CreateRequest,
  DeleteRequest,
  ListRequest,
  SandboxInfo,
  UpdateRequest,
  UsageRequest,
  SandboxUsage as WireUsage,
} from '../../../src/core/wire/gen/fastpath/v1/fastpath.ts';

import { StartAgentSandboxRequest } from '../../../src/core/wire/gen/fsb/v1/agent.ts';

const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
const path = text.map((value) => `/${value}`);
const texts = fc.array(text, { maxLength: 4 });
// An object of JavaScript has no room for an entry of this name.
const envName = text.filter((name) => name !== '' && !name.includes('=') && name !== '__proto__');
const whole = fc.nat();
const option = <T>(value: T) => fc.constantFrom(undefined, value);
const duration = fc.oneof(fc.constantFrom('90s', '1h30m', '500ms', '2d'), whole);
const size = fc.oneof(fc.constantFrom('512m', '1.5g', '10MB'), fc.integer({ min: 6 * 1024 * 1024 }));
const disk = fc.oneof(fc.constantFrom('512m', '1.5g'), fc.integer({ min: 16 * 1024 ** 2, max: 1024 ** 4 }));

const input: fc.Arbitrary<SandboxSpecInput> = fc.record(
  {
    image: text.filter((value) => value !== ''),
    command: texts,
    args: texts,
    envs: fc.dictionary(envName, text, { maxKeys: 4 }),
    working_dir: text,
    user: text,
    tty: fc.boolean(),
    stdin: fc.boolean(),
    pool_ref: fc.constantFrom('default-pool', 'other'),
    exposed_ports: fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 4 }),
    consistency_mode: fc.constantFrom('fast', 'strong'),
    failure_policy: fc.constantFrom('Manual', 'manual', 'AutoRecreate', 'auto', 'auto-recreate'),
    recovery_timeout_seconds: whole,
    ttl: duration.filter((ttl) => ttl !== 0),
    labels: fc.dictionary(fc.constantFrom('team', 'a.b/c', 'x1'), text, { maxKeys: 3 }),
    resources: fc.record(
      {
        cpus: fc.double({ min: 0.01, max: 1000, noNaN: true }),
        memory: size,
        pids: fc.integer({ min: 1 }),
        disk,
      },
      { requiredKeys: [] },
    ),
    network: fc.constantFrom('none', 'host'),
    mounts: fc.array(
      fc.record(
        { source: path, target: path, read_only: fc.boolean() },
        { requiredKeys: ['source', 'target'] },
      ),
      { maxLength: 3 },
    ),
    grace_period: duration,
  },
  { requiredKeys: ['image'] },
) as fc.Arbitrary<SandboxSpecInput>;

const commandEnd = fc.constantFrom(
  {},
  { reason: 'nobody saw it' },
  { status: { code: 0, signal: null } },
  { status: { code: null, signal: 15 } },
);

const begun = fc.constantFrom({}, { startedAt: 7 });

const state: fc.Arbitrary<PhaseState> = fc.oneof(
  fc.constantFrom<PhaseState>({ phase: 'Pending' }, { phase: 'Bound' }),
  fc.record({ phase: fc.constant('Running' as const), startedAt: whole }),
  fc.record({ phase: fc.constant('Running' as const), startedAt: whole, paused: fc.constant(true as const) }),
  fc.record({
    phase: fc.constant('Exited' as const),
    startedAt: whole,
    endedAt: whole,
    status: fc.constantFrom({ code: 0, signal: null }, { code: null, signal: 9, oomKilled: true }),
  }),
  fc.record(
    {
      phase: fc.constant('Failed' as const),
      startedAt: whole,
      endedAt: whole,
      reason: text,
      status: fc.constant({ code: null, signal: 9, oomKilled: false }),
    },
    { requiredKeys: ['phase', 'endedAt', 'reason'] },
  ),
  fc
    .tuple(fc.record({ phase: fc.constant('Expired' as const), endedAt: whole }), begun, commandEnd)
    .map(([at, start, end]) => ({ ...at, ...start, ...end })),
  fc.record(
    { phase: fc.constant('Lost' as const), startedAt: whole, since: whole, reason: text, recreateAt: whole },
    { requiredKeys: ['phase', 'since', 'reason'] },
  ),
  fc
    .tuple(fc.record({ phase: fc.constant('Terminating' as const), since: whole }), begun, commandEnd)
    .map(([at, start, end]) => ({ ...at, ...start, ...end })),
);

const sandbox: fc.Arbitrary<Sandbox> = fc.record(
  {
    id: text,
    namespace: text,
    name: text,
    generation: whole,
    spec: input.map(parseSpec),
    state,
    node: text,
    endpoints: texts,
    createdAt: fc.double({ min: 0, max: 1e15, noNaN: true }),
    expiresAt: whole,
    warm: fc.boolean(),
    events: fc.array(fc.record({ time: whole, message: text }), { maxLength: 3 }),
    earlierIds: fc.array(text, { minLength: 1, maxLength: 3 }),
  },
  {
    requiredKeys: [
      'id',
      'namespace',
      'name',
      'generation',
      'spec',
      'state',
      'node',
      'endpoints',
      'createdAt',
      'expiresAt',
      'events',
    ],
  },
) as fc.Arbitrary<Sandbox>;

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('conversion', () => {
  it('carries whatever a user may ask for, so that the core understands the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        input,
        option('key'),
        option(DIGEST),
        option(true),
        fc.constantFrom(undefined, true, false),
        option({ rows: 27, cols: 93 }),
        async (spec, ...more) => {
          const [idempotencyKey, imageDigest, autoRemove, detached, size] = more;
          await assertSpecFitsWire(spec);
          const request = {
            namespace: 'default',
            name: 'box',
            spec,
            ...(idempotencyKey && { idempotencyKey }),
            ...(imageDigest && { imageDigest }),
            ...(autoRemove && { autoRemove }),
            ...(detached !== undefined && { detached }),
            ...(size && { size }),
          };
          const { spec: arrived, ...rest } = createFromWire(
            CreateRequest.decode(CreateRequest.encode(createToWire(request)).finish()),
          );
          expect(parseSpec(arrived)).toEqual(parseSpec(spec));
          expect({ ...rest, spec }).toEqual(request);
        },
      ),
    );
  });

  it('carries a start to a node exactly', () => {
    const size = { rows: 27, cols: 93 };
    const start = { sandboxId: 'a', claimName: 'default/box', spec: parseSpec({ image: 'host' }) };
    for (const more of [{}, { imageDigest: DIGEST }, { filesOf: 'b' }, { awaited: true }, { size }]) {
      const bytes = StartAgentSandboxRequest.encode(startToWire({ ...start, ...more })).finish();
      expect(startFromWire(StartAgentSandboxRequest.decode(bytes))).toEqual({ ...start, ...more });
    }
  });

  it('carries a sandbox exactly', () => {
    fc.assert(
      fc.property(sandbox, (value) => {
        const bytes = SandboxInfo.encode(sandboxToWire(value)).finish();
        expect(sandboxFromWire(SandboxInfo.decode(bytes))).toEqual(value);
      }),
    );
  });

  it('refuses what protobuf would drop or bend, with the words of the core', async () => {
    const wrong: unknown[] = [
      { image: 'host', comand: ['x'] },
      { image: 'host', command: 'x' },
      { image: 'host', envs: { A: 1 } },
      { image: 'host', resources: { cpu: 1 } },
      { image: 'host', resources: { memory: 'lots' } },
      { image: 'host', exposed_ports: [2 ** 33] },
      { image: 'host', failure_policy: 'never' },
      { image: 'host', consistency_mode: 'slow' },
      { image: 'host', ttl: 'soon' },
      { image: 'host', mounts: [{ source: '/a', target: '/b', readonly: true }] },
      { image: 'host', pool_ref: '' },
      { image: 'host', network: '' },
      { image: '' },
      {},
      null,
    ];
    for (const spec of wrong) {
      const expected = caught(() => parseSpec(spec));
      const error = await assertSpecFitsWire(spec as SandboxSpecInput).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(FsbError);
      expect((error as FsbError).toBody()).toEqual(expected.toBody());
    }
  });

  it('understands a request of the first version of the API', () => {
    const old = CreateRequest.decode(
      CreateRequest.encode(CreateRequest.fromPartial({ image: 'host', command: ['true'] })).finish(),
    );
    expect(createFromWire(old)).toMatchObject({ namespace: 'default', name: '' });
    expect(parseSpec(createFromWire(old).spec)).toEqual(parseSpec({ image: 'host', command: ['true'] }));
    expect(() => parseSpec(createFromWire({ ...old, consistencyMode: 7 as 0 }).spec)).toThrow(
      /consistency_mode/,
    );
  });

  it('carries changes, and refuses what protobuf would drop or bend', async () => {
    const ref = { namespace: 'a', name: 'b' };
    const carried = (change: SandboxChange) =>
      changeFromWire(UpdateRequest.decode(UpdateRequest.encode(changeToWire(ref, change)).finish()));
    const changes: SandboxChange[] = [
      {},
      { expireTime: 0 },
      { ttl: 0 },
      { ttl: 1.5, failurePolicy: 'Manual' },
      { failurePolicy: 'AutoRecreate', recoveryTimeoutSeconds: 0 },
      { labels: { a: '', b: null, c: 'x' }, resources: { cpus: 0.5 } },
      { resources: { memory: 2 ** 40, pids: 7 } },
      { detached: true },
    ];
    for (const change of changes) {
      await assertChangeFitsWire(change);
      expect(carried(change)).toEqual(change);
    }
    const wrong = [
      { ttl: Number.NaN },
      { expireTime: 1.5 },
      { labels: { a: 1 } },
      { resources: { cpu: 1 } },
      { detached: false },
      { x: 1 },
    ];
    for (const change of wrong)
      await expect(assertChangeFitsWire(change as SandboxChange)).rejects.toMatchObject({
        code: 'invalid_argument',
      });
  });

  it('carries queries for usage, and what is used', () => {
    for (const query of [{}, { namespace: 'a' }, { namespace: 'a', names: ['b', 'c'] }])
      expect(
        usageQueryFromWire(UsageRequest.decode(UsageRequest.encode(usageQueryToWire(query)).finish())),
      ).toEqual(query);
    const limits = { cpus: 0.5, memory: 2 ** 33, pids: 9 };
    const usage = {
      ...{ id: 'i', namespace: 'n', name: 'b', time: 1.5, cpuMicros: 2 ** 52, memory: 2 ** 40, pids: 3 },
      limits,
    };
    expect(usageFromWire(WireUsage.decode(WireUsage.encode(usageToWire(usage)).finish()))).toEqual(usage);
  });

  it('carries queries and deletes', () => {
    for (const query of [
      {},
      { namespace: 'a' },
      { labels: { x: 'y' }, phases: ['Running' as const, 'Lost' as const] },
    ])
      expect(
        pageQueryFromWire(ListRequest.decode(ListRequest.encode(pageQueryToWire(query)).finish())),
      ).toEqual(query);
    expect(() => pageQueryFromWire(ListRequest.fromPartial({ phases: ['Runing'] }))).toThrow(/unknown phase/);
    const ref = { namespace: 'a', name: 'b' };
    for (const options of [{}, { grace: 0 }, { grace: 1.5, wait: false }, { wait: true }])
      expect(
        deleteFromWire(DeleteRequest.decode(DeleteRequest.encode(deleteToWire(ref, options)).finish())),
      ).toEqual(options);
  });
});

function caught(run: () => unknown): FsbError {
  try {
    run();
  } catch (error) {
    return FsbError.from(error);
  }
  throw new Error('nothing was thrown');
}
