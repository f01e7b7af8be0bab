import { expect, it } from 'vitest';
import { withoutBooleanValues } from '../../../../src/cli/words/boolean-values.ts';
import type { FlagArities } from '../../../../src/cli/words/pass-through.ts';
import { runCommandLine } from '../../../helpers/cli/command-line.ts';

const flags: FlagArities = {
  env: { type: 'option', char: 'e' },
  interactive: { type: 'boolean', char: 'i' },
  tty: { type: 'boolean', char: 't' },
  rm: { type: 'boolean', aliases: ['remove'] },
  human: { type: 'boolean', allowNo: true },
  'no-sig-proxy': { type: 'boolean' },
};

it.each([
  ['--rm=true box', '--rm box'],
  ['--rm=T --remove=1 box', '--rm --remove box'],
  ['--rm=false box', 'box'],
  ['--rm=0 box', 'box'],
  ['--human=false box', '--no-human box'],
  ['--human=true --no-human box', '--human --no-human box'],
  ['--sig-proxy=false box', '--no-sig-proxy box'],
  ['--sig-proxy=true --sig-proxy box', 'box'],
  ['--no-sig-proxy=true box', '--no-sig-proxy box'],
  ['--no-sig-proxy=false box', 'box'],
  ['-i=true box', '-i box'],
  ['-i=false box', 'box'],
  ['-it=false box', '-i box'],
  ['-it box', '-it box'],
  // What belongs to others.
  ['-e --rm=false box', '-e --rm=false box'],
  ['--env=rm=false -ei=false -e=i=false box', '--env=rm=false -ei=false -e=i=false box'],
  ['--nope=false -x=false -ix=false box', '--nope=false -x=false -ix=false box'],
  ['box -- --rm=false -i=false', 'box -- --rm=false -i=false'],
  ['--env', '--env'],
])('%j -> %j', (before, after) => {
  expect(withoutBooleanValues(before.split(' '), flags)).toEqual(after.split(' '));
});

it.each([
  ['list --all=maybe', '--all: "maybe" is neither true nor false'],
  ['list -a=', '-a: "" is neither true nor false'],
  ['--json=x list', '--json: "x" is neither true nor false'],
])('%s is refused', async (line, message) => {
  const { code, stderr } = await runCommandLine(line.split(' '));
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(`^Error: ${message}\nHint: Write .*=false\\.\n$`),
  ]);
});
