import type { AgentSandbox, AgentSandboxState } from '../../api/agent-api.ts';
import type { Clock } from '../../model/clock.ts';
import type { RecordTable } from '../../store/store.ts';
import type { KeptFiles } from '../ledger/kept-files.ts';
import type { SlotRecord } from '../ledger/records.ts';
import type { Unsettled } from '../recovery/unsettled.ts';
import type { Losses } from './losses.ts';

interface Sources {
  slots: Pick<RecordTable<SlotRecord>, 'get'>;
  files: Pick<KeptFiles, 'entries'>;
  unsettled: Pick<Unsettled, 'list'>;
  clock: Pick<Clock, 'now'>;
}

/** All that the node has anything of: a slot, an instance that it cannot reach, or files alone. */
export function knownSandboxes(
  losses: Pick<Losses, 'entries'>,
  { slots, files, unsettled, clock }: Sources,
): AgentSandbox[] {
  const known = [...losses.entries()].map(([sandboxId, slot]) => ({
    sandboxId,
    state: stateOf(slot),
    ...(slot.given && { given: slot.given }),
  }));
  // Of a start that failed, or was never answered, nothing may be left but these.
  const filesOnly = files.entries().filter(([, sandboxId]) => slots.get(sandboxId) === undefined);
  const reason = 'it was never started';
  // Its slot cannot be read, and its instance lives.
  const slotless = unsettled
    .list()
    .flatMap(({ sandboxId }) => (sandboxId && !slots.get(sandboxId) ? [sandboxId] : []));
  const running = { state: 'running' as const, startedAt: clock.now() };
  return [
    ...known,
    ...slotless.map((sandboxId) => ({ sandboxId, state: running })),
    ...filesOnly.map(([, sandboxId]) => ({ sandboxId, state: { state: 'lost' as const, reason } })),
  ];
}

export function stateOf(slot: SlotRecord): AgentSandboxState {
  const { startedAt, end, paused } = slot;
  if (end === undefined) return { state: 'running', startedAt, ...(paused && { paused }) };
  if (end.kind === 'lost') return { state: 'lost', reason: end.reason, startedAt };
  return { state: 'ended', startedAt, endedAt: end.at, status: end.status };
}
