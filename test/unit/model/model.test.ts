import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean } from '../../../src/core/model/failure/did-you-mean.ts';
import { type ErrorCode, errorCodes, FsbError } from '../../../src/core/model/failure/errors.ts';
import { isInstanceId, isName, newInstanceId, newSandboxName } from '../../../src/core/model/ids.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import { readLeaseRequest } from '../../../src/core/model/pool/lease-request.ts';
import { exitCodeOf, parseSignal } from '../../../src/core/model/process.ts';
import {
  formatAge,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
} from '../../../src/core/model/quantity.ts';
import { readChange } from '../../../src/core/model/sandbox/change.ts';
import {
  isLive,
  type PhaseState,
  phases,
  transition,
  transitions,
} from '../../../src/core/model/sandbox/phase.ts';
import { defaultResources, type Shape, shapeKey } from '../../../src/core/model/sandbox/shape.ts';
import { parseSpec } from '../../../src/core/model/sandbox/spec.ts';

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['10', 10_000],
    ['.5', 500],
    ['1h.5m', 3_630_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', 'x', '5 m', '-1s', '1w', 's', '1h30', '.s', '1.s', '36501d', '9999999999999999'])(
    '%j is refused',
    (text) => {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    },
  );

  it('are read back as they were written', () => {
    fc.assert(fc.property(fc.nat(10 ** 9), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe('sizes', () => {
  it.each([
    ['512m', 512 * 2 ** 20],
    ['1.5g', 1.5 * 2 ** 30],
    ['64Ki', 65_536],
    ['10MB', 10 * 2 ** 20],
    ['100', 100],
    ['3b', 3],
    ['.5g', 2 ** 29],
  ])('%s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));
  it.each(['abc', '', '-1m', '1q', '1 2', '.', '.g', '1.2.3m'])('%j is refused', (text) =>
    expect(() => parseSize(text)).toThrow(FsbError),
  );
  it('are short for people', () => {
    expect([0, 1023, 1536, 2 ** 30, 150 * 2 ** 20].map(formatSize)).toEqual([
      '0B',
      '1023B',
      '1.5KiB',
      '1GiB',
      '150MiB',
    ]);
    expect([-5, 5_000, 119_000, 120_000, 7_200_000, 200_000_000].map(formatAge)).toEqual([
      '0s',
      '5s',
      '119s',
      '2m',
      '2h',
      '2d',
    ]);
  });
});

describe('phases', () => {
  it('take exactly the steps of the table', () => {
    for (const from of phases)
      for (const to of phases) {
        const step = (): PhaseState => transition({ phase: from } as PhaseState, { phase: to } as PhaseState);
        if (transitions[from].includes(to)) expect(step()).toEqual({ phase: to });
        else expect(step).toThrow('illegal phase change');
      }
  });
  it('keep when the command began, to the end of the run', () => {
    const running: PhaseState = { phase: 'Running', startedAt: 7 };
    const failed = transition(running, { phase: 'Failed', endedAt: 9, reason: 'out of memory' });
    expect(failed).toEqual({ phase: 'Failed', startedAt: 7, endedAt: 9, reason: 'out of memory' });
    expect(transition(failed, { phase: 'Terminating', since: 10 })).toMatchObject({ startedAt: 7 });
    expect(transition(failed, { phase: 'Pending' })).toEqual({ phase: 'Pending' });
  });
  it('can all be deleted but the one that is being deleted', () => {
    for (const phase of phases)
      expect(transitions[phase].includes('Terminating')).toBe(phase !== 'Terminating');
    expect(phases.filter(isLive)).toEqual(['Pending', 'Bound', 'Running', 'Terminating']);
  });
});

describe('specs', () => {
  it('get every default', () => {
    expect(parseSpec({ image: 'host' })).toMatchObject({
      pool_ref: 'default-pool',
      consistency_mode: 'fast',
      failure_policy: 'Manual',
      resources: {},
      network: 'none',
      grace_period: 10_000,
    });
  });
  it('leave what they do not say of the resources to the pool', () => {
    expect(parseSpec({ image: 'host', resources: { memory: '64m' } }).resources).toEqual({
      memory: 64 * 1024 * 1024,
    });
  });
  it.each([
    [{}, 'image'],
    [{ image: 'x', exposed_ports: [80, 80] }, 'a port is named twice'],
    [{ image: 'x', exposed_ports: [70_000] }, 'exposed_ports.0'],
    [{ image: 'x', resources: { memory: 'abc' } }, 'resources.memory'],
    [{ image: 'x', resources: { disk: '15m' } }, 'resources.disk (--disk): must be at least 16m'],
    [{ image: 'x', resources: { disk: '1025g' } }, 'resources.disk (--disk): must be at most 1t'],
    [{ image: 'x', resources: { disk: 0 } }, 'resources.disk'],
    [{ image: 'x', resources: { cpus: 0 } }, 'resources.cpus'],
    [
      { image: 'x', network: 'bridge' },
      'network (--network): must be none or host: there is no bridge, and "port-forward" reaches what listens inside',
    ],
    [{ image: 'x', ttl: 'soon' }, 'ttl'],
    [{ image: 'x', ttl: '0s' }, 'ttl (--ttl): must be longer than 0'],
    [{ image: 'x', ttl: 0 }, 'ttl (--ttl): must be longer than 0'],
    [{ image: 'x', ttl: '400000000d' }, 'ttl (--ttl): a duration must be at most 36500d'],
    [{ image: 'x', ttl: 4e12 }, 'ttl (--ttl): a duration must be at most 36500d'],
    [{ image: 'x', expire_time: 9e12 }, 'expire_time (--expire-time): must be at most 8640000000000'],
    [{ image: 'x', expire_time: -1 }, 'expire_time (--expire-time): must be at least 0'],
    [{ image: '' }, 'image (--image): must not be empty'],
    [
      { image: 'x', resources: { memory: '999999999t' } },
      'resources.memory (--memory): size "999999999t" is too large',
    ],
    [{ image: 'x', ttl: '1s', expire_time: 5 }, 'both'],
    [{ image: 'x', failure_policy: 'Never' }, 'Manual or AutoRecreate'],
    [{ image: 'x', envs: { 'A=B': '' } }, 'envs'],
    [{ image: 'x', command: ['a\0b'] }, 'NUL'],
    [{ image: 'x', mounts: [{ source: 'rel', target: '/x' }] }, 'absolute'],
    ['text', 'a map of keys'],
  ])('%j is refused', (input, reason) => expect(() => parseSpec(input)).toThrow(reason));
  it.each(['Manual', 'manual', 'AutoRecreate', 'auto', 'auto-recreate'])(
    'take failure policy %s',
    (failure_policy) => {
      expect(['Manual', 'AutoRecreate']).toContain(parseSpec({ image: 'x', failure_policy }).failure_policy);
    },
  );
  it.each([
    [{ failure_policy: 'x' }, 'failure_policy (--failure-policy): unknown failure policy'],
    [{ resources: { cpus: 5000 } }, 'resources.cpus (--cpus): must be at most 1024'],
    [{ resources: { memory: '64' } }, 'must be at least 6m; did you mean 64m?'],
    [{ resources: { memory: 1024 } }, 'must be at least 6m; did you mean 1024m?'],
    [{ resources: { memory: '1k' } }, /must be at least 6m$/],
    [{ resources: { memory: '1' } }, /must be at least 6m$/],
    [{ labels: { '-x': '' } }, 'labels.-x (--label): not a valid label key'],
    [{ exposed_ports: [0] }, 'exposed_ports.0 (--port): '],
    [{ grace_period: 'x' }, 'spec: grace_period: invalid duration'],
  ])('name the flag with the key: %j', (input, words) =>
    expect(() => parseSpec({ image: 'x', ...input })).toThrow(words),
  );
  it.each([
    [
      { failurePolicy: 'x' },
      'change of a sandbox: failure_policy (--failure-policy): unknown failure policy',
    ],
    [{ labels: { '-x': '' } }, 'labels.-x (--label): not a valid label key'],
    [{ ttl: 4e15 }, 'ttl (--ttl): must be at most 36500d'],
  ])('so does a change: %j', (change, words) => expect(() => readChange(change)).toThrow(words));
  it('so does a request to a pool', () =>
    expect(() => readLeaseRequest({ pool: 'p', resources: { memory: 1 } })).toThrow(
      'resources.memory (--memory): must be at least 6m',
    ));
  it('name the key that was meant', () => {
    expect(() => parseSpec({ image: 'x', envz: {} })).toThrow(
      expect.objectContaining({ hint: 'Did you mean envs?' }),
    );
  });
});

describe('shapes', () => {
  const shape: Shape = {
    image: 'sha256:a',
    runtime: 'runc',
    resources: defaultResources,
    network: 'none',
    mounts: [],
  };
  it('differ by every boot-time dimension', () => {
    const others: Shape[] = [
      { ...shape, image: 'sha256:b' },
      { ...shape, runtime: 'crun' },
      { ...shape, resources: { ...defaultResources, cpus: 2 } },
      { ...shape, resources: { ...defaultResources, memory: 1 } },
      { ...shape, resources: { ...defaultResources, pids: 1 } },
      { ...shape, resources: { ...defaultResources, disk: 1 } },
      { ...shape, resources: { ...defaultResources, disk: 11 } },
      { ...shape, network: 'host' },
      { ...shape, mounts: [{ source: '/a', target: '/b', readOnly: true }] },
      { ...shape, mounts: [{ source: '/a', target: '/b', readOnly: false }] },
      { ...shape, again: 'i' },
      { ...shape, again: 'i', toolsOnly: true },
    ];
    expect(new Set([shape, ...others].map(shapeKey)).size).toBe(others.length + 1);
  });
  it('are the same whatever the order of their mounts', () => {
    const [a, b] = [
      { source: '/a', target: '/a', readOnly: true },
      { source: '/b', target: '/b', readOnly: true },
    ];
    expect(shapeKey({ ...shape, mounts: [a, b] })).toBe(shapeKey({ ...shape, mounts: [b, a] }));
  });
});

describe('errors', () => {
  it('become what every outside vocabulary expects, and survive a wire', () => {
    for (const code of Object.keys(errorCodes) as ErrorCode[]) {
      const error = new FsbError(code, 'what failed', { hint: 'what to do', cause: new Error('inside') });
      expect(FsbError.fromBody(JSON.parse(JSON.stringify(error.toBody())))).toMatchObject({
        code,
        message: 'what failed',
        hint: 'what to do',
      });
    }
  });
  it('are made of whatever was thrown', () => {
    expect(FsbError.from('text').code).toBe('internal');
    expect(FsbError.from(AbortSignal.abort().reason).code).toBe('cancelled');
    expect(FsbError.from(new DOMException('', 'TimeoutError')).code).toBe('timeout');
  });
});

it('ids and names keep their rules', () => {
  expect(isInstanceId(newInstanceId())).toBe(true);
  expect(isName(newSandboxName())).toBe(true);
  for (const bad of ['', 'A', '-a', 'a-', 'a_b', 'a.b', 'a'.repeat(64), 'a\0'])
    expect(isName(bad)).toBe(false);
});

it('signals go by name and by number', () => {
  expect(['TERM', 'SIGTERM', 'term', '15'].map(parseSignal)).toEqual([15, 15, 15, 15]);
  expect(['SIGRTMIN', 'rtmin+3', 'SIGRTMIN+30', 'RTMAX', 'RTMAX-14'].map(parseSignal)).toEqual([
    34, 37, 64, 64, 50,
  ]);
  const odd = ['RTMIN+31', 'RTMAX-31', 'RTMIN-1', 'RTMIN+', 'toString', ' 15', '0x1', '1e1'];
  for (const bad of ['', 'FOO', '0', '65', '1.5', ...odd]) expect(() => parseSignal(bad)).toThrow(FsbError);
  expect(exitCodeOf({ code: null, signal: 9 })).toBe(137);
});

it.each([
  ['TERN', 'Did you mean TERM?'],
  ['SIGHPU', 'Did you mean SIGHUP?'],
  ['kil', 'Did you mean KILL?'],
  ['sigusr', 'Did you mean SIGUSR'],
  ['zebra', 'Use a name like SIGTERM or a number from 1 to 64.'],
  ['70', 'Use a name like SIGTERM or a number from 1 to 64.'],
])('a signal %s is a slip, or none at all', (text, hint) => {
  expect(() => parseSignal(text)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', hint: expect.stringContaining(hint) }),
  );
});

it('did-you-mean takes slips, not strangers', () => {
  expect(didYouMean('lsit', ['list', 'logs', 'exec'])).toBe('list');
  expect(didYouMean('rn', ['rm', 'run'])).toBe('run');
  expect(didYouMean('zebra', ['list', 'logs', 'exec'])).toBeUndefined();
  expect(didYouMean('bogus', ['logs', 'start', 'status'])).toBeUndefined();
  expect(didYouMean('', ['rm'])).toBeUndefined();
});

it('two roots are two cores, and a root that is too deep is refused', () => {
  const a = corePaths({ FSB_ROOT: '/a' }, 0);
  const b = corePaths({ FSB_ROOT: '/b' }, 0);
  for (const key of Object.keys(a) as (keyof typeof a)[]) expect(a[key]).not.toBe(b[key]);
  expect(corePaths({}, 0).run).toBe('/run/fsb');
  expect(a.registries).toBe('/a/registries.yaml');
  expect(corePaths({}, 0).registries).toBe('/etc/fsb/registries.yaml');
  expect(corePaths({ HOME: '/home/u' }, 1).registries).toBe('/home/u/.config/fsb/registries.yaml');
  expect(corePaths({ XDG_CONFIG_HOME: '/c' }, 1).registries).toBe('/c/fsb/registries.yaml');
  expect(corePaths({ HOME: '/home/u', XDG_RUNTIME_DIR: '/run/user/1' }, 1).run).toBe('/run/user/1/fsb');
  expect(() => corePaths({ FSB_ROOT: `/${'x'.repeat(100)}` }, 0)).toThrow('too long');
  expect(() => corePaths({ FSB_ROOT: '/proc/fsb' }, 0)).toThrow('file system of the kernel');
});
