import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DetachFilter, parseDetachKeys } from '../../../../src/cli/session/detach-keys.ts';

describe('parseDetachKeys', () => {
  it.each([
    ['ctrl-p,ctrl-q', [16, 17]],
    ['ctrl-[,a', [27, 97]],
    ['CTRL-A', [1]],
    ['ctrl-@', [0]],
    ['', []],
  ])('%j', (text, bytes) => expect([...parseDetachKeys(text)]).toEqual(bytes));

  it.each([['ctrl-'], ['ctrl-1'], ['ab'], ['a,,b'], ['é']])('refuses %j', (text) =>
    expect(() => parseDetachKeys(text)).toThrow('unknown key'),
  );
});

/** What a filter lets through of `typed`, cut into chunks. */
function pass(keys: string, chunks: string[]): { passed: string; detached: boolean } {
  const filter = new DetachFilter(Buffer.from(keys));
  let passed = '';
  for (const chunk of chunks) {
    const { data, detached } = filter.push(Buffer.from(chunk));
    passed += data.toString();
    if (detached) return { passed, detached };
  }
  return { passed: passed + filter.flush().toString(), detached: false };
}

describe('DetachFilter', () => {
  it.each([
    ['pq', ['abpq'], 'ab', true],
    ['pq', ['p', 'q'], '', true],
    ['pq', ['p', 'x'], 'px', false],
    ['pq', ['pp', 'q'], 'p', true],
    ['aab', ['aaab'], 'a', true],
    ['pq', ['xp'], 'xp', false],
    ['', ['pq'], 'pq', false],
  ])('%s in %j', (keys, chunks, passed, detached) =>
    expect(pass(keys, chunks)).toEqual({ passed, detached }),
  );

  it('finds the keys wherever a search in the whole text finds them, however it is cut', () => {
    const letters = fc
      .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 })
      .map((list) => list.join(''));
    fc.assert(
      fc.property(letters, fc.array(letters), (keys, chunks) => {
        const typed = chunks.join('');
        const at = typed.indexOf(keys);
        expect(pass(keys, chunks)).toEqual({
          passed: at === -1 ? typed : typed.slice(0, at),
          detached: at !== -1,
        });
      }),
    );
  });
});
