import { describe, expect, it } from 'vitest';
import { doubtOf } from '../../../../src/core/agent/recovery/doubt.ts';
import type { StrangeRecord } from '../../../../src/core/store/store.ts';

const about = (record: StrangeRecord) =>
  doubtOf(
    () => [record],
    () => false,
  );

describe('there is doubt', () => {
  it('about what a record that is set aside names, and about nothing else', () => {
    const slot = about({ table: 'slots', key: 's', value: { instance: 'i' } });
    expect([slot.sandbox('s'), slot.instance('i'), slot.pool('s')]).toEqual([true, true, false]);
    expect([slot.sandbox('t'), slot.instance('j')]).toEqual([false, false]);
    const instance = about({ table: 'instances', key: 'i', value: { use: { by: 'files', sandboxId: 's' } } });
    expect([instance.sandbox('s'), instance.instance('i'), instance.sandbox('t')]).toEqual([
      true,
      true,
      false,
    ]);
    const files = about({ table: 'instances', key: 'i', value: { use: { sandboxId: 's', logOf: 't' } } });
    expect(['s', 't', 'u'].map(files.sandbox)).toEqual([true, true, false]);
    const sandbox = about({ table: 'sandboxes', key: 's', value: { id: 't', previous: { id: 'u' } } });
    expect(['s', 't', 'u', 'v'].map(sandbox.sandbox)).toEqual([true, true, true, false]);
    expect(about({ table: 'pools', key: 'p' }).pool('p')).toBe(true);
  });

  it('about every sandbox, when that of one is torn', () => {
    const torn = about({ table: 'sandboxes', key: 's' });
    expect([torn.sandbox('t'), torn.instance('i')]).toEqual([true, false]);
    expect(about({ table: 'slots', key: 's' }).sandbox('t')).toBe(false);
  });

  it('about all, when a whole store is set aside; about nothing without either', () => {
    const all = doubtOf(
      () => [],
      () => true,
    );
    expect([all.sandbox('s'), all.instance('i'), all.pool('p')]).toEqual([true, true, true]);
    const none = doubtOf(
      () => [],
      () => false,
    );
    expect([none.sandbox('s'), none.instance('i'), none.pool('p')]).toEqual([false, false, false]);
  });
});
