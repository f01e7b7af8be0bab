import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FlagArities,
  separateGuestArguments,
  splitLeadingFlags,
} from '../../../../src/cli/words/pass-through.ts';

const flags: FlagArities = {
  env: { type: 'option', char: 'e' },
  interactive: { type: 'boolean', char: 'i' },
  tty: { type: 'boolean', char: 't' },
  pool: { type: 'option', aliases: ['pool-ref'] },
  namespace: { type: 'option', char: 'n' },
};

describe('separateGuestArguments', () => {
  it.each([
    ['box ls -la --help', 'box -- ls -la --help'],
    ['box -it sh -c x', 'box -it -- sh -c x'],
    ['-it box sh', '-it box -- sh'],
    ['-e A=B box env -e', '-e A=B box -- env -e'],
    ['-eA=B box env', '-eA=B box -- env'],
    ['--env=A=B box env', '--env=A=B box -- env'],
    ['-ite A=B box env', '-ite A=B box -- env'],
    ['--pool-ref p box cmd', '--pool-ref p box -- cmd'],
    ['box -- ls --help', 'box -- ls --help'],
    ['box sh -- x', 'box -- sh -- x'],
    ['-- box ls', '-- box ls'],
    ['box --help', 'box --help'],
    ['box --unknown ls -l', 'box --unknown -- ls -l'],
    ['box - x', 'box -- - x'],
    ['box', 'box'],
    ['', ''],
  ])('%j -> %j', (before, after) => {
    const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
    expect(separateGuestArguments(words(before), flags, 2)).toEqual(words(after));
  });

  it.each([
    ['ls -la --help', '-- ls -la --help'],
    ['-it sh -c x', '-it -- sh -c x'],
    ['-e A=B --pool p env -e', '-e A=B --pool p -- env -e'],
    ['-- ls', '-- ls'],
    ['--interactive', '--interactive'],
    ['', ''],
  ])('with nothing before the command: %j -> %j', (before, after) => {
    const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
    expect(separateGuestArguments(words(before), flags, 1)).toEqual(words(after));
  });

  it('never changes, drops or reorders a word of the guest', () => {
    const own = fc.array(fc.constantFrom('-i', '-t', '--env=A=B', '-eA=B', '--pool=p'));
    fc.assert(
      fc.property(fc.array(fc.string()), own, fc.constantFrom(1, 2, 3), (guest, before, start) => {
        const names = Array.from({ length: start - 1 }, (_, index) => `name${index}`);
        const argv = separateGuestArguments([...before, ...names, 'cmd', ...guest], flags, start);
        expect(argv).toEqual([...before, ...names, '--', 'cmd', ...guest]);
      }),
    );
  });
});

describe('splitLeadingFlags', () => {
  it.each([
    [
      ['-n', 'x', 'list', '-a'],
      ['--namespace', 'x'],
      ['list', '-a'],
    ],
    [['--namespace=x', 'list'], ['--namespace=x'], ['list']],
    [['-nx', 'list'], ['--namespace', 'x'], ['list']],
    [['-n=x', 'list'], ['--namespace', 'x'], ['list']],
    [['-in', 'x', 'list'], ['--interactive', '--namespace', 'x'], ['list']],
    [['-i', '-t', 'list'], ['--interactive', '--tty'], ['list']],
    [['-e', '-x', 'list'], ['--env', '-x'], ['list']],
    [['-ix', 'list'], ['-ix'], ['list']],
    [['--pool-ref', 'x', 'list'], ['--pool-ref', 'x'], ['list']],
    [['-n'], ['--namespace'], []],
    [['list', '-n', 'x'], [], ['list', '-n', 'x']],
    [['--bogus', 'list'], [], ['--bogus', 'list']],
  ])('%j', (argv, leading, rest) => {
    expect(splitLeadingFlags(argv, flags)).toEqual({ leading, rest });
  });
});
