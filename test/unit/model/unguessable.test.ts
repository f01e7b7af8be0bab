import { expect, it } from 'vitest';
import { unguessable } from '../../../src/core/model/unguessable.ts';

it.each(['/dev/urandom', '/dev/null', '/nowhere'])(
  'where %s is the source, two are not the same',
  (source) => {
    const [one, other] = [unguessable(16, source), unguessable(16, source)];
    expect([one.length, one.equals(other), one.equals(Buffer.alloc(16))]).toEqual([16, false, false]);
  },
);
