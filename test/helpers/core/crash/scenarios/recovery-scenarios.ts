import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import { lose } from '../../lose.ts';
import { box, COLD, find, logOf, make, makeRunning, RUNNING } from '../boxes.ts';
import { scenario } from '../scenario.ts';

const other = { ...box, name: 'other' };
const auto = { failure_policy: 'AutoRecreate', recovery_timeout_seconds: 0 };

/** It runs again, as the second generation, which has begun once. */
async function untilRecreated(api: CoreApi): Promise<void> {
  while ((await find(api))?.state.phase !== 'Running' || (await logOf(api)) === '')
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await find(api)).toMatchObject({ generation: 2, state: { phase: 'Running' } });
  expect(await logOf(api)).toBe('begun\n');
}

/** What becomes of a lost sandbox. */
export const recoveryScenarios = [
  scenario({
    name: 'recreate',
    besides: ['exec.'],
    core: COLD,
    prepare: (api) => makeRunning(api, auto),
    act: async (api, _, root) => {
      await lose(api, root, box);
      await untilRecreated(api);
    },
    ends: 'Running',
    check: (api) => untilRecreated(api),
  }),
  scenario({
    name: 'recreate, which the core before was killed in',
    // The core may be ready before it begins, and the one before may have died while another one's log was begun.
    besides: ['start.', 'forget.', 'destroy.', 'trash.', 'serve.', 'record.', 'repair.', 'rotate.'],
    // Another one takes its place, and it waits.
    core: { pool: { warm: [], capacity: { max: 2 } } },
    prepare: async (api, root) => {
      await makeRunning(api, auto);
      const next = make(api, RUNNING, {}, other.name);
      await lose(api, root, box);
      await next;
      while ((await find(api))?.state.phase !== 'Pending')
        await new Promise((resolve) => setTimeout(resolve, 20));
    },
    whileStarting: true,
    ends: 'Pending',
    check: async (api) => {
      await api.sandboxes.delete(other, { grace: 0 });
      await untilRecreated(api);
    },
  }),
];
