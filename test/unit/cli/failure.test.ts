import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../../src/cli/command/failure.ts';
import { Interrupted } from '../../../src/cli/command/interruption.ts';
import { whyFailed } from '../../../src/cli/guest-tool/guest-tool.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';

const context = { json: false, debug: false, command: 'fsb-ctl cp', flagNames: [] };

describe('the text of a failure', () => {
  it('cannot drive the terminal, whoever wrote the reason', () => {
    const error = new FsbError('internal', 'a\u001b[2J\u009b31m\r\u0007 b\n\tc', { hint: 'x\u001b]0;y' });
    expect(describeFailure(error, context).text).toBe('Error: a?[2J?31m?? b\n\tc\nHint: x?]0;y\n');
    expect(describeFailure(error, { ...context, debug: true }).text).not.toMatch(/[^\P{Cc}\n\t]/u);
  });

  it.each([true, false])('is none for whoever has ended it, as JSON: %s', (json) => {
    expect(describeFailure(new Interrupted(143), { ...context, json })).toEqual({ text: '', exitCode: 143 });
  });

  it('has one line of what a tool in a sandbox complained of', () => {
    const status = { code: 1, signal: null, oomKilled: false };
    expect(whyFailed(status, 'first\nlast\u001b[2J\rHint: do it')).toBe('last?[2J?Hint: do it');
    expect(whyFailed(status, '')).toBe('it failed with code 1');
  });
});
