import { expect, it } from 'vitest';
import type { SlotRecord } from '../../../../src/core/agent/ledger/records.ts';
import { diskFull } from '../../../../src/core/model/failure/disk-full.ts';
import { buildAgent } from '../../../helpers/core/agent-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { buildNode } from '../../../helpers/core/node-world.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';
import { createFakeDriver } from '../../../helpers/pool/fake-driver.ts';
import { makePlace } from '../../logs/harness.ts';

const process = { argv: ['main'], env: {}, cwd: '/', user: '', tty: false, stdin: false };

it('one whose guest died while no core ran is Lost without room for a record, which is written later', async () => {
  await using place = await makePlace();
  const clock = createManualClock();
  const slots = memoryTable<SlotRecord>();
  await slots.put('box', { claimName: 'default/box', instance: 'gone', startedAt: 1, process });
  const { put } = slots;
  slots.put = () => Promise.reject(diskFull('cannot store the record slots/box'));
  const node = buildNode({}, { clock, fake: createFakeDriver() });
  const { agent, recover, close } = buildAgent({ node, logs: await place.open(), clock, slots });
  await recover();
  const lost = {
    sandboxId: 'box',
    state: { state: 'lost', startedAt: 1, reason: expect.stringMatching('gone') },
  };
  expect(await agent.sandboxes()).toEqual([lost]);
  expect(slots.get('box')?.end).toBeUndefined();
  slots.put = put;
  await clock.advance(60_000);
  expect(slots.get('box')?.end).toMatchObject({ kind: 'lost' });
  expect(await agent.sandboxes()).toEqual([lost]);
  await close();
});
