import { expect, it } from 'vitest';
import type { InstanceRecord, SlotRecord } from '../../../src/core/agent/records.ts';
import { verdict } from '../../../src/core/agent/recovery.ts';

const idle = {} as InstanceRecord;
const claimed = { sandboxId: 's' } as InstanceRecord;
const slot = {} as SlotRecord;
const ended = { end: { kind: 'exited' } } as SlotRecord;

it.each([
  ['nothing recorded, alive', undefined, true, undefined, 'destroy'],
  ['idle and alive', idle, true, undefined, 'keep-idle'],
  ['idle and dead', idle, false, undefined, 'destroy'],
  ['claimed and alive', claimed, true, slot, 'take-up'],
  ['claimed and dead', claimed, false, slot, 'destroy'],
  ['claimed, its slot never written', claimed, true, undefined, 'destroy'],
  ['claimed, its end recorded, its teardown cut short', claimed, true, ended, 'destroy'],
] as const)('%s -> %5$s', (_, record, alive, found, expected) => {
  expect(verdict(record, alive, found)).toBe(expected);
});
