import { describe, expect, it } from 'vitest';
import { confirm, confirmLoss } from '../../../../src/cli/terminal/prompts.ts';
import type { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { Recorder, TypedInput } from '../../../helpers/cli/command-line.ts';

/** What a yes/no question makes of an answer, as keys come from a terminal. */

function terminal(plain: boolean) {
  const [stdin, stdout, stderr] = [new TypedInput(), new Recorder(), new Recorder()];
  for (const stream of [stdin, stderr]) Object.assign(stream, { isTTY: true, columns: 80 });
  return { stdin, stderr, asking: { terminal: { stdin, stdout, stderr }, plain, signal: neverAborted } };
}

const neverAborted = new AbortController().signal;
const loss = {
  title: 'This deletes',
  lines: ['box'],
  question: 'Delete it?',
  outcome: 'nothing was deleted',
};

describe.each([false, true])('a question (plain: %s)', (plain) => {
  const enter = plain ? '\n' : '\r';

  it.each([
    ['y', true],
    ['YES', true],
    ['n', false],
    [' no ', false],
    ['', true],
  ])('takes %j for %s', async (typed, meant) => {
    const { stdin, stderr, asking } = terminal(plain);
    const answer = confirm(asking, 'Edit it again?', true);
    await stderr.until('(Y/n)');
    stdin.write(`${typed}${enter}`);
    expect(await answer).toBe(meant);
  });

  it('asks again after anything else, on an empty line', async () => {
    const { stdin, stderr, asking } = terminal(plain);
    const answer = confirm(asking, 'Edit it again?', true);
    await stderr.until('(Y/n)');
    stdin.write(`nope${enter}`);
    await stderr.until('Answer y or n.');
    stdin.write(`n${enter}`);
    expect(await answer).toBe(false);
  });

  it.each(['nope', 'yikes', 'n', ''])('takes %j for a no where something would be lost', async (typed) => {
    const { stdin, stderr, asking } = terminal(plain);
    const asked = confirmLoss(asking, loss).catch((error: FsbError) => error.message);
    await stderr.until('(y/N)');
    stdin.write(`${typed}${enter}`);
    expect(await asked).toBe('cancelled, nothing was deleted');
  });

  it('loses it after a yes', async () => {
    const { stdin, stderr, asking } = terminal(plain);
    const asked = confirmLoss(asking, loss);
    await stderr.until('(y/N)');
    stdin.write(`y${enter}`);
    await expect(asked).resolves.toBeUndefined();
  });
});
