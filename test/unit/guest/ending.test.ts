import { describe, expect, it } from 'vitest';
import { Ending } from '../../../src/core/guest/ending.ts';

describe('an ending', () => {
  it('is told to all who listen, once, with the first reason', async () => {
    const ending = new Ending();
    const told: string[] = [];
    ending.tell((reason) => told.push(`a ${reason.message}`));
    ending.tell((reason) => told.push(`b ${reason.message}`));
    ending.happen(new Error('one'));
    ending.happen(new Error('two'));
    expect(told).toEqual([]);
    expect(await ending.promise).toMatchObject({ message: 'one' });
    expect(told).toEqual(['a one', 'b one']);
  });

  it('is told to who comes late, in a later step', async () => {
    const ending = new Ending();
    ending.happen(new Error('one'));
    const told: string[] = [];
    ending.tell((reason) => told.push(reason.message));
    expect(told).toEqual([]);
    await ending.promise;
    expect(told).toEqual(['one']);
  });
});
