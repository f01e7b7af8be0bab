import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import { box, expectPhase, find, logOf, make, makeRunning, RUNNING } from './boxes.ts';
import { scenario } from './scenario.ts';
import { request, said } from './sessions.ts';

const MIB = 1024 * 1024;
const LINES = 600_000;

const removeRetained = async (api: CoreApi): Promise<void> =>
  api.system.removeLogs((await api.system.retainedLogs()).map(({ sandboxId }) => sandboxId));

async function nothingRetained(api: CoreApi): Promise<void> {
  const left = async (): Promise<unknown[]> => [
    ...(await api.system.retainedLogs()),
    ...(await api.system.usage()).logs,
  ];
  while ((await left()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The life of a sandbox, from its creation to its deletion. */
export const sandboxScenarios = [
  scenario({
    name: 'run',
    covers: ['start.', 'record.sandboxes.', 'record.slots.', 'record.instances.'],
    twice: true,
    act: (api) => make(api, RUNNING),
    check: async (api, _, answered) =>
      answered ? expectPhase(api, 'Running') : expectPhase(api, 'none', 'Running', 'Failed'),
  }),
  scenario({
    name: 'run on a pool that is empty',
    covers: ['boot.'],
    core: { pool: { warm: [] } },
    act: (api) => make(api, RUNNING),
    check: async (api, _, answered) =>
      answered ? expectPhase(api, 'Running') : expectPhase(api, 'none', 'Running', 'Failed'),
  }),
  scenario({
    name: 'the refill after a run',
    covers: ['boot.'],
    // The next instance may be there before its caller has an answer.
    act: (api) => make(api, RUNNING),
    check: (api) => expectPhase(api, 'Running'),
  }),
  scenario({
    name: 'the end of a command',
    covers: ['end.', 'keep.'],
    prepare: (api) => make(api, 'echo begun; read _ < /dev/null; sleep 0.3; echo done; exit 7'),
    check: async (api) => {
      expect(await api.sandboxes.wait(box)).toMatchObject({ code: 7 });
      expect(await logOf(api)).toBe('begun\ndone\n');
    },
  }),
  scenario({
    name: 'exec',
    covers: ['exec.'],
    prepare: (api) => makeRunning(api),
    act: async (api) => said(await api.sandboxes.exec(box, request('sh', '-c', 'sleep 0.05; echo x'))),
    check: (api) => expectPhase(api, 'Running'),
  }),
  scenario({
    name: 'delete',
    covers: [
      'delete.',
      'forget.',
      'destroy.',
      'return.',
      'record.sandboxes.',
      'record.slots.',
      'record.instances.',
    ],
    twice: true,
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    check: async (api, _, answered) =>
      answered ? expectPhase(api, 'none') : expectPhase(api, 'none', 'Running', 'Terminating', 'Exited'),
  }),
  scenario({
    name: 'delete of one that has ended',
    covers: ['delete.', 'forget.', 'destroy.'],
    prepare: async (api) => {
      await make(api, 'exit 0');
      await api.sandboxes.wait(box);
    },
    act: (api) => api.sandboxes.delete(box),
    check: async (api, _, answered) =>
      answered ? expectPhase(api, 'none') : expectPhase(api, 'none', 'Terminating', 'Exited'),
  }),
  scenario({
    name: 'delete, when logs are retained',
    covers: ['delete.', 'forget.', 'retain.recorded', 'record.retained-logs.', 'record.slots.'],
    core: { logRetention: 3_600_000 },
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    check: async (api, _, answered) => {
      if (answered) await expectPhase(api, 'none');
      // Of one that is deleted, or is still to be.
      expect(await logOf(api)).toBe('begun\n');
    },
    tidy: removeRetained,
  }),
  scenario({
    name: 'the end of a retained log',
    covers: ['retain.forgotten'],
    core: { logRetention: 300 },
    prepare: (api) => makeRunning(api),
    act: (api) => api.sandboxes.delete(box, { grace: 0 }),
    check: (api) => nothingRetained(api),
  }),
  scenario({
    name: 'the end of a retained log while no core runs',
    covers: ['retain.forgotten'],
    core: { logRetention: 300 },
    whileStarting: true,
    prepare: async (api) => {
      await makeRunning(api);
      await api.sandboxes.delete(box, { grace: 0 });
    },
    check: (api) => nothingRetained(api),
  }),
  scenario({
    name: 'the rotation of a log',
    covers: ['rotate.'],
    core: { logSize: 3 * MIB },
    act: (api) => make(api, `exec seq -f 'line %.0f' 0 ${LINES - 1}`),
    check: async (api) => {
      const all = Array.from({ length: LINES }, (_, n) => `line ${n}\n`).join('');
      await api.sandboxes.wait(box);
      let [text, dropped] = ['', 0];
      for await (const entry of api.sandboxes.logs(box, wholeLog)) {
        // Only what is oldest may be missing, and how much that is, is told.
        if (entry.dropped) expect(text).toBe('');
        dropped += entry.dropped ?? 0;
        text += entry.data.toString();
      }
      expect(dropped + text.length).toBe(all.length);
      expect(all.endsWith(text)).toBe(true);
    },
  }),
  scenario({
    name: 'expire',
    covers: ['expire.', 'record.sandboxes.'],
    prepare: (api) => make(api, RUNNING, { ttl: '400ms' }),
    check: async (api) => {
      const phaseOf = async () => (await find(api))?.state.phase;
      while ((await phaseOf()) === 'Running') await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await phaseOf()).toBe('Expired');
    },
  }),
];
