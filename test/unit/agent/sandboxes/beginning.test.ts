import { describe, expect, it } from 'vitest';
import { Beginning } from '../../../../src/core/agent/sandboxes/beginning.ts';

const chunk = (offset: number, text: string, stream: 'stdout' | 'stderr' = 'stdout') => ({
  stream,
  offset,
  data: Buffer.from(text),
});

describe('the beginning of an output', () => {
  it('has both streams in the order in which they came', () => {
    const beginning = new Beginning(0);
    const chunks = [chunk(0, 'ab'), chunk(0, 'x', 'stderr'), chunk(2, 'c')];
    for (const one of chunks) beginning.add(one);
    expect(beginning.chunks).toEqual(chunks);
  });

  it('does not change with the memory that a chunk came in', () => {
    const shared = Buffer.from('ab');
    const beginning = new Beginning(0);
    beginning.add({ stream: 'stdout', offset: 0, data: shared });
    shared.fill('z');
    expect(String(beginning.chunks![0]!.data)).toBe('ab');
  });

  it.each([
    ['much', Array.from({ length: 20 }, (_, i) => chunk(1024 * i, 'x'.repeat(1024)))],
    ['many small pieces', Array.from({ length: 200 }, (_, i) => chunk(i, 'x'))],
    ['a gap', [chunk(0, 'ab'), chunk(3, 'c')]],
    ['an end without its beginning', [chunk(7, 'ab')]],
  ])('is not kept when there is %s', (_, chunks) => {
    const beginning = new Beginning(0);
    for (const one of chunks) beginning.add(one);
    expect(beginning.chunks).toBeUndefined();
  });

  it('is not known when something was said before', () => {
    expect(new Beginning(5).chunks).toBeUndefined();
    expect(new Beginning(0).chunks).toEqual([]);
  });
});
