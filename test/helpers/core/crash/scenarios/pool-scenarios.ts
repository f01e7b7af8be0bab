import { expect } from 'vitest';
import type { CoreApi } from '../../../../../src/core/api/core-api.ts';
import type { ProcessSession } from '../../../../../src/core/model/process.ts';
import { eventually } from '../always.ts';
import { box, COLD, go, make, makeRunning, RUNNING, WAIT } from '../boxes.ts';
import { scenario } from '../scenario.ts';
import { request, said } from '../sessions.ts';

const ANOTHER = { ...box, name: 'another' };
const LEASE = { pool: 'default-pool', image: 'host' };

const leased = async (api: CoreApi): Promise<string> =>
  (await api.pools.leases()).length > 0 ? 'leased' : 'none';

const stateOfOther = async (api: CoreApi): Promise<string> =>
  (await api.pools.list()).find(({ name }) => name === 'other')?.state ?? 'none';

const warmCount = async (api: CoreApi): Promise<string> =>
  (await api.pools.status('default-pool')).map(({ warm }) => `${warm}`).join();

const idleOnes = async (api: CoreApi): Promise<string[]> =>
  (await api.pools.get('default-pool')).instances.flatMap(({ id, holder }) => (holder ? [] : [id]));

/** What is idle is. */
const untilFrozen = (api: CoreApi): Promise<void> =>
  eventually(async () => {
    const { instances } = await api.pools.get('default-pool');
    expect(instances.flatMap(({ holder, state }) => (holder ? [] : [state]))).toEqual(['paused']);
  });

/** Its first record of the instance says that nobody has it any more. */
const RELEASED = {
  leased: ['record.instances.begun'],
  none: ['record.', 'return.', 'destroy.', 'scrub.', 'trash.', 'record.instances.begun#2'],
};

/** Warm pools, leases, one-shot runs; and the start of a core after one that was killed. */
export const poolScenarios = [
  scenario({
    name: 'pool run',
    besides: ['boot.'],
    act: async (api) => said(await api.pools.run({ ...LEASE, exec: request('echo', 'x') })),
    // With its caller it is gone.
    outcome: leased,
    ends: 'none',
  }),
  scenario({
    name: 'lease',
    act: (api) => api.pools.lease(LEASE),
    outcome: leased,
    becomes: {
      none: ['lease.claimed', 'record.instances.begun'],
      leased: ['record.instances.committed', 'lease.recorded'],
    },
    ends: 'leased',
    check: async (api) => {
      for (const { id } of await api.pools.leases())
        expect((await said(await api.pools.exec(id, request('echo', 'x')))).code).toBe(0);
    },
  }),
  scenario({
    name: 'release',
    core: COLD,
    prepare: (api) => api.pools.lease(LEASE),
    act: (api, lease: { id: string }) => api.pools.release(lease.id),
    outcome: leased,
    becomes: RELEASED,
    ends: 'none',
  }),
  scenario({
    name: 'the end of a lease in which nothing runs any more',
    besides: ['exec.'],
    core: COLD,
    prepare: async (api) => {
      const { id } = await api.pools.lease({ ...LEASE, ttl: 300 });
      return api.pools.exec(id, { ...request('cat'), stdin: true });
    },
    // Its time counts from the end of the command on; for the next core from its start on.
    act: async (api, command: ProcessSession) => {
      command.endInput();
      await said(command);
      await eventually(async () => expect(await leased(api)).toBe('none'));
    },
    outcome: leased,
    ends: 'none',
  }),
  scenario({
    name: 'release to a sticky pool',
    core: { pool: { ...COLD.pool, reuse: 'sticky' } },
    prepare: (api) => api.pools.lease(LEASE),
    act: (api, lease: { id: string }) => api.pools.release(lease.id),
    outcome: leased,
    becomes: RELEASED,
    ends: 'none',
  }),
  scenario({
    name: 'the end of a command in a sticky pool',
    besides: ['exec.'],
    core: { pool: { reuse: 'sticky' } },
    prepare: async (api) => {
      await make(api, 'echo secret > /of-another', {}, 'another');
      await api.sandboxes.wait(ANOTHER);
      await api.sandboxes.delete(ANOTHER);
      await eventually(async () => expect(await idleOnes(api)).toHaveLength(1));
      await makeRunning(api, {}, `${WAIT} exit 7`);
      // It is the same one.
      expect((await said(await api.sandboxes.exec(box, request('cat', '/of-another')))).text).toBe(
        'secret\n',
      );
    },
    act: async (api) => {
      await go(api);
      await api.sandboxes.wait(box);
    },
    ends: 'Exited',
    // What is in it is of all who had it, so nobody keeps it.
    check: async ({ sandboxes }) =>
      expect(
        sandboxes.exec(box, { ...request('stat', '--', '/of-another'), guestTool: true }),
      ).rejects.toThrow('has no files'),
  }),
  scenario({
    name: 'pool create',
    besides: ['boot.'],
    act: (api) => api.pools.create({ name: 'other', warm: [{ image: 'host', count: 1 }] }),
    outcome: stateOfOther,
    becomes: { none: ['record.pools.begun'], active: ['record.'] },
    ends: 'active',
    tidy: (api) => api.pools.delete('other', { force: true }).catch(() => {}),
  }),
  scenario({
    name: 'pool update',
    besides: ['boot.'],
    core: { pool: { capacity: { max: 8 } } },
    act: (api) => api.pools.update('default-pool', { policy: { warm: [{ image: 'host', count: 3 }] } }),
    outcome: warmCount,
    becomes: { 1: ['record.pools.begun'], 3: ['record.', 'pool.saved'] },
    ends: '3',
    tidy: (api) =>
      api.pools.update('default-pool', { policy: { warm: [{ image: 'host', count: 1 }] } }).then(() => {}),
  }),
  scenario({
    name: 'run on a pool whose idle instances are frozen, and the refill',
    besides: ['start.', 'record.', 'boot.', 'rotate.'],
    core: { pool: { pause_idle: true, capacity: { max: 3 } } },
    prepare: untilFrozen,
    act: (api) => make(api, RUNNING),
    // It is thawed while the first record of the sandbox is on its way.
    becomes: { none: ['idle.thawed'], Failed: ['idle.thawed'], Running: ['idle.frozen'] },
    ends: 'Running',
    check: async (api) => {
      await untilFrozen(api);
      await make(api, 'exit 3', {}, ANOTHER.name);
      expect(await api.sandboxes.wait(ANOTHER)).toMatchObject({ code: 3 });
    },
  }),
  scenario({
    name: 'an idle instance that grows old',
    besides: ['boot.', 'pool.', 'record.pools.'],
    act: async (api) => {
      const before = await idleOnes(api);
      // It is replaced again and again, also by the next core.
      await api.pools.update('default-pool', { policy: { max_age: '1s' } });
      await eventually(async () => expect(before).not.toContain((await idleOnes(api))[0]));
    },
    outcome: warmCount,
    ends: '1',
    check: async (api) => {
      await api.pools.update('default-pool', { policy: { max_age: '0' } });
    },
  }),
  scenario({
    name: 'an idle instance that does not answer',
    besides: ['boot.'],
    core: { pool: { health: { interval: '200ms', timeout: '200ms' } } },
    act: async (api) => {
      const [silent] = (await api.pools.get('default-pool')).instances.filter(({ holder }) => !holder);
      process.kill(silent!.pid, 'SIGSTOP');
      await eventually(async () => expect([[], [silent!.id]]).not.toContainEqual(await idleOnes(api)));
    },
    outcome: warmCount,
    ends: '1',
  }),
  scenario({
    name: 'pool delete',
    prepare: (api) => api.pools.create({ name: 'other', warm: [{ image: 'host', count: 1 }] }),
    act: (api) => api.pools.delete('other'),
    outcome: stateOfOther,
    becomes: { active: ['record.pools.begun'], none: ['record.', 'pool.removed', 'destroy.', 'trash.'] },
    ends: 'none',
    tidy: (api) => api.pools.delete('other', { force: true }).catch(() => {}),
  }),
  ...(['stop', 'drain'] as const).map((verb) =>
    scenario({
      name: `pool ${verb}`,
      prepare: (api) => api.pools.create({ name: 'other', warm: [{ image: 'host', count: 1 }] }),
      act: (api) => api.pools[verb]('other'),
      outcome: stateOfOther,
      becomes: {
        active: ['record.pools.begun'],
        [verb === 'stop' ? 'stopped' : 'drained']: ['record.', 'pool.', 'destroy.', 'trash.'],
      },
      ends: verb === 'stop' ? 'stopped' : 'drained',
      check: async (api) => {
        await api.pools.update('other', { start: true });
      },
      tidy: (api) => api.pools.delete('other', { force: true }),
    }),
  ),
  scenario({
    name: 'the start of a core after one that was killed',
    core: { pool: { capacity: { max: 4 } } },
    whileStarting: true,
    prepare: async (api) => {
      await makeRunning(api);
      return api.pools.lease(LEASE);
    },
    ends: 'Running',
    check: async (api, lease: { id: string }) => {
      expect((await said(await api.pools.exec(lease.id, request('echo', 'x')))).code).toBe(0);
    },
  }),
  scenario({
    name: 'the end of a core',
    core: COLD,
    whileEnding: true,
    prepare: (api) => makeRunning(api),
    ends: 'Running',
  }),
];
