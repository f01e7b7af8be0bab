import { expect, it } from 'vitest';
import { assertUtf8Words } from '../../../../src/cli/copy/utf8-words.ts';

const typed =
  (...bytes: number[]) =>
  () =>
    Buffer.from(bytes);

it('a path that is not the one that was typed is refused', () => {
  expect(() => assertUtf8Words(['f', 'box:/a\uFFFD'], typed(0x61, 0xff))).toThrow(
    'the path box:/a\uFFFD has bytes that are no UTF-8',
  );
});

it.each([
  ['that has the replacement character itself', 'a\uFFFD', typed(0x61, 0xef, 0xbf, 0xbd)],
  ['beside another word that is no UTF-8', 'a', typed(0x61, 0xff)],
])('a path %s is taken', (_, word, line) => {
  expect(() => assertUtf8Words([word], line)).not.toThrow();
});
