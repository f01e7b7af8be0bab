import { describe, expect, it } from 'vitest';
import { type Caller, LOCAL_CALLER } from '../../../../src/core/model/caller.ts';
import { Shares } from '../../../../src/core/server/auth/shares.ts';

const caller = (name: string, scope: 'use' | 'admin' = 'use'): Caller => ({
  ...{ name, scopes: [scope], namespaces: 'all' },
});

/** Takes as much as it gets, one by one. @returns how much that was */
function takeAll(shares: Shares, who: Caller): number {
  let taken = 0;
  for (; shares.lacking(who, 1) === undefined; taken++) shares.take(who, 1);
  return taken;
}

describe('of what all callers share', () => {
  it('nobody has more than half who may not administer the core, and those leave some for its user', () => {
    expect(takeAll(new Shares(1024), caller('ci'))).toBe(512);
    expect(takeAll(new Shares(1024), caller('root', 'admin'))).toBe(896);
    expect(takeAll(new Shares(1024), LOCAL_CALLER)).toBe(1024);
    const shares = new Shares(1024);
    shares.take(caller('ci'), 512);
    expect(shares.lacking(caller('ci'), 1)).toBe('one');
    expect([shares.all, shares.of(caller('ci'))]).toEqual([512, 512]);
    shares.take(caller('ci'), -512);
    expect([shares.all, shares.of(caller('ci'))]).toEqual([0, 0]);
  });

  it('however many there are, who has nothing gets a little, who administers more, and the user of the core the rest', () => {
    const shares = new Shares(1024);
    const greedy = Array.from({ length: 33 }, (_, n) => takeAll(shares, caller(`ci-${n}`)));
    expect(greedy).toEqual([512, 128, ...Array.from({ length: 31 }, () => 4)]);
    expect(shares.lacking(caller('ci-0'), 1)).toBe('one');
    expect(shares.lacking(caller('big'), 5)).toBe('all');
    expect(takeAll(shares, caller('last'))).toBe(4);
    expect(shares.lacking(caller('one-more'), 1)).toBe('all');
    expect(takeAll(shares, caller('root', 'admin'))).toBe(128);
    expect(takeAll(shares, LOCAL_CALLER)).toBe(128);
  });

  it('one is a little, also where that is much', () => {
    const shares = new Shares(8);
    const each = Array.from({ length: 4 }, (_, n) => takeAll(shares, caller(`ci-${n}`)));
    expect(each).toEqual([4, 1, 1, 0]);
    expect([takeAll(shares, caller('root', 'admin')), takeAll(shares, LOCAL_CALLER)]).toEqual([1, 1]);
  });

  it('what the user of the core takes is no part of what others have together', () => {
    const shares = new Shares(8);
    shares.take(LOCAL_CALLER, 4);
    expect(takeAll(shares, caller('ci'))).toBe(4);
  });
});
