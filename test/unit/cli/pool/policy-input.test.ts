import { describe, expect, it } from 'vitest';
import { policyFlags } from '../../../../src/cli/pool/policy-flags.ts';
import { policyFromFlags } from '../../../../src/cli/pool/policy-from-flags.ts';
import { poolName } from '../../../../src/cli/pool/policy-request.ts';
import { parsePolicy } from '../../../../src/core/model/pool/pool-policy.ts';
import { policyFlags as flagOfKey } from '../../../../src/core/model/pool/pool-policy-problems.ts';
import { node } from '../../../helpers/cli/warming-core.ts';

describe('policyFromFlags', () => {
  it.each([
    ['nothing', {}, {}],
    [
      'a number for each image',
      { warm: ['host=2,a:1=1', 'b=3'] },
      [
        ['host', 2],
        ['a:1', 1],
        ['b', 3],
      ],
    ],
    [
      'no number',
      { warm: ['host, b=1'] },
      [
        ['host', undefined],
        ['b', 1],
      ],
    ],
    ['--image', { image: 'a' }, [['a', undefined]]],
    [
      '--image and --warm',
      { image: 'a', warm: ['b=1'] },
      [
        ['a', undefined],
        ['b', 1],
      ],
    ],
    ['none of an image', { warm: ['host=0'] }, [['host', 0]]],
  ])('warm: %s', (_, flags, warm) => {
    const entries = Array.isArray(warm)
      ? { warm: warm.map(([image, count]) => (count === undefined ? { image } : { image, count })) }
      : warm;
    expect(policyFromFlags(flags)).toEqual(entries);
  });

  it.each([['=2'], ['host='], ['host=x'], ['host=-1'], ['a b=1'], ['']])('refuses --warm %j', (text) =>
    expect(() => policyFromFlags({ warm: [text] })).toThrow(`invalid --warm ${JSON.stringify(text)}`),
  );

  it('gives every key its flag', () => {
    const policy = policyFromFlags({
      ...{ size: 3, warm: ['host'], max: 9, min: 1, 'buffer-min': 2, 'buffer-max': 3 },
      ...{
        'memory-budget': 8 * 1024 ** 3,
        ttl: 1500,
        'max-age': 0,
        'on-empty': 'wait',
        'queue-timeout': 250,
      },
      ...{
        reuse: 'sticky',
        'pause-idle': true,
        cpus: 0.5,
        memory: 64 * 1024 ** 2,
        pids: 7,
        disk: 1024 ** 3,
        'lease-ttl': 60_000,
      },
    });
    expect(parsePolicy({ name: 'p', ...policy }, node)).toMatchObject({
      warm: [{ image: 'host', count: 3 }],
      capacity: { min: 1, max: 9, bufferMin: 2, bufferMax: 3 },
      ...{ memoryBudget: 8 * 1024 ** 3, ttl: 1500, maxAge: 0, onEmpty: 'wait', reuse: 'sticky' },
      ...{ queue: { length: 1024, timeout: 250 }, pauseIdle: true, leaseTtl: 60_000 },
      resources: { cpus: 0.5, memory: 64 * 1024 ** 2, pids: 7, disk: 1024 ** 3 },
    });
  });

  it('has exactly the flags that the errors of a policy name', () => {
    const names = Object.keys(policyFlags).map((name) => `--${name}`);
    expect(names.sort()).toEqual(Object.values(flagOfKey).sort());
  });
});

describe('poolName', () => {
  it.each([
    ['a', undefined],
    [undefined, 'a'],
    ['a', 'a'],
  ])('%j and %j', (given, inFile) => expect(poolName(given, inFile)).toBe('a'));

  it.each([
    ['a', 'b', 'called a here and b in the file'],
    [undefined, undefined, 'no name'],
    ['A b', undefined, 'invalid pool name'],
  ])('refuses %j and %j', (given, inFile, message) => expect(() => poolName(given, inFile)).toThrow(message));
});
