import { describe, expect, it } from 'vitest';
import { parseCpus, parseMemory, parsePids } from '../../../../src/cli/command/limit-flags.ts';
import { assertRunFlags, attaches } from '../../../../src/cli/run/run-plan.ts';
import { parseEnvFile, parseEnvWords, parseLabels } from '../../../../src/cli/spec/env-words.ts';
import { runFlags } from '../../../../src/cli/spec/run-flags.ts';
import {
  mergeSpecs,
  parsePort,
  parseVolume,
  specFromFlags,
} from '../../../../src/cli/spec/spec-from-flags.ts';
import { specFlags } from '../../../../src/core/model/failure/flag-names.ts';

it('has the flags that the errors of a spec name', () => {
  expect(Object.keys(runFlags).map((name) => `--${name}`)).toEqual(
    expect.arrayContaining(Object.values(specFlags)),
  );
});

describe('specFromFlags', () => {
  it.each([
    ['nothing', {}, [], {}],
    ['words are args', { image: 'host' }, ['sh', '-c', ''], { image: 'host', args: ['sh', '-c', ''] }],
    ['entrypoint is the command', { entrypoint: '/x' }, ['a'], { command: ['/x'], args: ['a'] }],
    ['an empty entrypoint resets', { entrypoint: '' }, [], { command: [] }],
    ['ttl as people write it', { ttl: 90_500 }, [], { ttl: '1m30s500ms' }],
    [
      'resources',
      { cpus: 0.5, memory: 1024, pids: 3, disk: 2048 },
      [],
      { resources: { cpus: 0.5, memory: 1024, pids: 3, disk: 2048 } },
    ],
    ['stdin and tty only when asked', { interactive: false, tty: true }, [], { tty: true }],
    ['ports', { port: ['80', '443'] }, [], { exposed_ports: [80, 443] }],
  ])('%s', (_, flags, words, spec) => expect(specFromFlags(flags, {}, words, '/here')).toEqual(spec));

  it.each(['max', '-1', '0.5', '0', '', '1e3', '5x'])('refuses --pids %j, and says what is allowed', (text) =>
    expect(() => parsePids(text)).toThrow(
      expect.objectContaining({
        ...{ code: 'invalid_argument', message: expect.stringContaining(JSON.stringify(text)) },
        hint: expect.stringMatching(/from 1 on.*no unlimited/),
      }),
    ),
  );

  it.each(['max', '-1', 'unlimited'])('refuses --memory %s, and says what is allowed', (text) =>
    expect(() => parseMemory(text)).toThrow(
      expect.objectContaining({
        ...{ code: 'invalid_argument', message: expect.stringContaining(JSON.stringify(text)) },
        hint: expect.stringMatching(/512m.*6m at least.*no unlimited/),
      }),
    ),
  );

  it('takes limits that are numbers', () => {
    expect([parsePids('256'), parseMemory('1.5g'), parseCpus('0.5')]).toEqual([256, 1.5 * 2 ** 30, 0.5]);
    expect([parseMemory('.5g'), parseCpus('.5')]).toEqual([2 ** 29, 0.5]);
  });

  it.each([['0'], ['.'], ['x'], ['-1'], ['1e3']])('refuses --cpus %s', (cpus) =>
    expect(() => parseCpus(cpus)).toThrow('invalid number of cores'),
  );
});

describe('mergeSpecs', () => {
  it.each([
    ['flags replace', { image: 'a' }, { image: 'b' }, { image: 'b' }],
    ['maps merge', { envs: { A: '1', B: '2' } }, { envs: { B: '3' } }, { envs: { A: '1', B: '3' } }],
    ['ports add up once', { exposed_ports: [1, 2] }, { exposed_ports: [2, 3] }, { exposed_ports: [1, 2, 3] }],
    [
      'mounts add up, one for a target',
      {
        mounts: [
          { source: '/a', target: '/x' },
          { source: '/b', target: '/y' },
        ],
      },
      { mounts: [{ source: '/c', target: '/y' }] },
      {
        mounts: [
          { source: '/a', target: '/x' },
          { source: '/c', target: '/y' },
        ],
      },
    ],
    ['ttl replaces expire_time', { expire_time: 5 }, { ttl: '1s' }, { ttl: '1s' }],
    ['a map of the wrong kind is left to the check', { envs: 'x' }, {}, { envs: 'x' }],
  ])('%s', (_, base, over, merged) => expect(mergeSpecs(base, over)).toEqual(merged));
});

describe('volumes and ports', () => {
  it.each([
    ['/a:/b', true],
    ['/a:/b:ro', true],
    ['/a:/b:rw', false],
  ])('%s', (text, read_only) =>
    expect(parseVolume(text, '/')).toEqual({ source: '/a', target: '/b', read_only }),
  );

  it.each([
    ['./a:/b', '/here/a'],
    ['.:/b', '/here'],
    ['../a:/b:ro', '/a'],
    ['..:/b', '/'],
  ])('%s is relative to the working directory', (text, source) =>
    expect(parseVolume(text, '/here')).toEqual({ source, target: '/b', read_only: true }),
  );

  it.each([['a:/b'], ['.a:/b'], ['a/b:/b'], ['/a'], ['/a:b'], ['/a:/b:x'], ['/a:/b:ro:x'], ['']])(
    'refuses volume %j',
    (text) => expect(() => parseVolume(text, '/')).toThrow('invalid volume'),
  );

  it.each(['80', '80/tcp'])('port %s', (text) => expect(parsePort(text)).toBe(80));

  it.each([['0'], ['80/udp'], ['65536'], ['80:80'], ['x'], ['']])('refuses port %j', (text) =>
    expect(() => parsePort(text)).toThrow('invalid port'),
  );
});

describe('variables and labels', () => {
  const own = { HOME: '/root' };
  it.each([
    [['A=1', 'B=x=y', 'C='], { A: '1', B: 'x=y', C: '' }],
    [['HOME', 'ABSENT'], { HOME: '/root' }],
  ])('%j', (words, env) => expect(parseEnvWords(words, own)).toEqual(env));

  it('reads a file line by line', () => {
    expect(parseEnvFile('\uFEFF# note\n\nA=1\r\n  B= two \nHOME\n', 'f', own)).toEqual({
      A: '1',
      B: ' two ',
      HOME: '/root',
    });
  });

  it('names the line of a wrong name', () => {
    expect(() => parseEnvFile('A=1\nB C=2', 'vars', own)).toThrow('vars:2: "B C"');
    expect(() => parseEnvWords(['=x'], own)).toThrow('has no name');
    expect(() => parseLabels(['=red'])).toThrow('--label "=red" has no name');
    expect(() => parseLabels([''])).toThrow('--label "" has no name');
  });

  it('takes a label without a value for an empty one, as docker does', () => {
    expect(parseLabels(['ci', 'team=red', 'x='])).toEqual({ ci: '', team: 'red', x: '' });
  });
});

describe('what run does', () => {
  const none = {
    file: undefined as string | undefined,
    attach: false,
    interactive: false,
    tty: false,
    rm: false,
    detach: false,
    'detach-keys': '',
  };
  it.each([
    [{}, false],
    [{ attach: true }, true],
    [{ interactive: true }, true],
    [{ tty: true }, true],
    [{ rm: true }, true],
    [{ interactive: true, tty: true, detach: true }, false],
  ])('%j attaches: %s', (flags, expected) => expect(attaches({ ...none, ...flags })).toBe(expected));

  it.each([
    [{ detach: true, attach: true }, '--attach'],
    [{ file: '-', interactive: true }, 'spec or the input'],
  ])('refuses %j', (flags, part) => {
    const check = (): void => assertRunFlags({ ...none, ...flags });
    expect(check).toThrow(/contradict/);
    try {
      check();
    } catch (error) {
      expect(`${(error as Error).message} ${(error as { hint: string }).hint}`).toContain(part);
    }
  });
});
