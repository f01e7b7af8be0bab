import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loopedUsing } from '../helpers/looped-using.ts';

const root = join(import.meta.dirname, '../..');

/**
 * esbuild keeps what such a block threw in variables of the whole function: in a loop, the error of one round is thrown again
 * at the end of every later one. A function of its own for the body of the loop is right.
 */
describe('using and await using', () => {
  it.each(['src', 'test'])('stand in no loop of %s', (directory) => {
    const files = readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('looped-using.test.ts'))
      .flatMap((name) =>
        loopedUsing(readFileSync(join(root, directory, name), 'utf8')).map((line) => `${name}:${line}`),
      );
    expect(files).toEqual([]);
  });

  it.each([
    'for (;;) { await using a = b(); }',
    'for (const x of y) { if (x) { using a = b(); } }',
    'while (x) { try { await using a = b(); } catch {} }',
    'do { using a = b(); } while (x);',
    'for (const x in y) { await using a = b(); }',
    'for (using a of y) c(a);',
    'for await (await using a of y) c(a);',
  ])('are found in: %s', (text) => {
    expect(loopedUsing(`async () => { ${text} }`)).toEqual([1]);
  });

  it.each([
    'await using a = b(); for (const x of a) c(x);',
    'for (const x of y) { const f = async () => { await using a = b(); }; }',
    'for (const x of y) { const a = b(); }',
    'const using = 1; while (x) { let a = using; }',
  ])('are fine in: %s', (text) => {
    expect(loopedUsing(`async () => { ${text} }`)).toEqual([]);
  });
});
