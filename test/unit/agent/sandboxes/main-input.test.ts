import { expect, it } from 'vitest';
import type { SlotRecord } from '../../../../src/core/agent/ledger/records.ts';
import { attachToRun } from '../../../../src/core/agent/sandboxes/attach.ts';
import { LiveSlot } from '../../../../src/core/agent/sandboxes/live-slot.ts';
import { MainInput } from '../../../../src/core/agent/sandboxes/main-input.ts';
import type { SandboxRun } from '../../../../src/core/agent/sandboxes/sandbox-run.ts';
import type { LogStore } from '../../../../src/core/logs/log-store.ts';
import type { ProcessSession } from '../../../../src/core/model/process.ts';
import { processSpec } from '../../../helpers/guest/process-spec.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const PATIENCE = 12_000;

/** A main process that reads its input to the end, in a core that goes by the last record of the one before, if there is one. */
function world({ tty = false, earlier }: { tty?: boolean; earlier?: SlotRecord } = {}) {
  const clock = createManualClock();
  const records: SlotRecord[] = [];
  const complaints: string[] = [];
  const state = { ended: false, recordFails: false };
  const process = { ...processSpec(['cat']), stdin: true, tty };
  const slot = new LiveSlot(earlier ?? ({ process } as SlotRecord), async (changed) => {
    if (state.recordFails) throw new Error('the disk is full');
    records.push(changed);
  });
  const main = { takesInput: true, endInput: () => Object.assign(state, { ended: true }) };
  const complain = (_: unknown, what: string): void => void complaints.push(what);
  const input = new MainInput({ main, slot, clock, complain });
  const run = {
    ...{ sandboxId: 's', main, input, slot: slot.now, endedOr: () => new Promise(() => {}) },
    pump: { join: async () => ({ tap: { read: () => [] }, past: [], at: {} }), leave: () => {} },
  } as unknown as SandboxRun;
  const attach = (stdinOnce: boolean, stdin = true): Promise<ProcessSession> =>
    attachToRun(run, { stdin, stdinOnce, replay: true }, {} as LogStore);
  return { attach, clock, records, complaints, state, input };
}

it('ends when the client that it was run for has gone', async () => {
  const { attach, clock, state } = world();
  const session = await attach(true);
  await clock.advance(PATIENCE);
  expect(state.ended).toBe(false);
  await session.close();
  await clock.advance(PATIENCE - 1);
  expect(state.ended).toBe(false);
  await clock.advance(1);
  expect(state.ended).toBe(true);
});

it('goes on as long as anybody feeds it', async () => {
  const { attach, clock, state } = world();
  const first = await attach(true);
  const second = await attach(false);
  const reader = await attach(false, false);
  await first.close();
  await first.close();
  await clock.advance(PATIENCE);
  await second.close();
  await clock.advance(PATIENCE - 1);
  const third = await attach(false);
  await clock.advance(PATIENCE);
  expect(state.ended).toBe(false);
  await third.close();
  await clock.advance(PATIENCE);
  expect(state.ended).toBe(true);
  await reader.close();
});

it.each([
  ['nobody ran it for an input of theirs (-d -i)', false, false],
  ['it has a terminal, which its user may have left', true, true],
])('stays open where %s', async (_, once, tty) => {
  const { attach, clock, state, records } = world({ tty });
  const session = await attach(once);
  await session.close();
  await clock.advance(10 * PATIENCE);
  expect(state.ended).toBe(false);
  expect(records).toEqual([]);
});

it('ends in the next core as well, unless somebody comes', async () => {
  const { attach, records } = world();
  await attach(true);
  const [earlier] = records as [SlotRecord];
  const left = world({ earlier });
  await left.clock.advance(PATIENCE);
  expect(left.state.ended).toBe(true);
  const taken = world({ earlier });
  await taken.attach(false);
  await taken.clock.advance(PATIENCE);
  expect(taken.state.ended).toBe(false);
});

it('is left to the next core when this one lets go', async () => {
  const { attach, clock, state, input } = world();
  const session = await attach(true);
  input.close();
  await session.close();
  await clock.advance(PATIENCE);
  expect(state.ended).toBe(false);
});

it('ends with its client where that could not be recorded, too', async () => {
  const { attach, clock, state, complaints } = world();
  state.recordFails = true;
  const session = await attach(true);
  await session.close();
  await clock.advance(PATIENCE);
  expect(state.ended).toBe(true);
  expect(complaints).toHaveLength(1);
});
