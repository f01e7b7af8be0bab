import { expect } from 'vitest';
import { box, COLD, makeRunning } from './boxes.ts';
import { scenario } from './scenario.ts';
import { request, said } from './sessions.ts';

const LEASE = { pool: 'default-pool', image: 'host' };

/** Warm pools, leases, one-shot runs; and the start of a core after one that was killed. */
export const poolScenarios = [
  scenario({
    name: 'pool run',
    covers: ['run.', 'destroy.', 'trash.found'],
    besides: ['boot.'],
    act: async (api) => said(await api.pools.run({ ...LEASE, exec: request('echo', 'x') })),
    // With its caller it is gone.
    check: async (api) => expect(await api.pools.leases()).toEqual([]),
  }),
  scenario({
    name: 'lease',
    covers: ['lease.', 'record.instances.'],
    act: (api) => api.pools.lease(LEASE),
    check: async (api, _, answered) => {
      const leases = await api.pools.leases();
      if (answered) expect(leases).toHaveLength(1);
      for (const { id } of leases)
        expect((await said(await api.pools.exec(id, request('echo', 'x')))).code).toBe(0);
    },
  }),
  scenario({
    name: 'release',
    covers: ['return.', 'destroy.'],
    core: COLD,
    prepare: (api) => api.pools.lease(LEASE),
    act: (api, lease: { id: string }) => api.pools.release(lease.id),
    check: async (api, _, answered) => {
      if (answered) expect(await api.pools.leases()).toEqual([]);
    },
  }),
  scenario({
    name: 'release to a sticky pool',
    covers: ['scrub.', 'return.'],
    core: { pool: { ...COLD.pool, reuse: 'sticky' } },
    prepare: (api) => api.pools.lease(LEASE),
    act: (api, lease: { id: string }) => api.pools.release(lease.id),
    check: async (api, _, answered) => {
      if (answered) expect(await api.pools.leases()).toEqual([]);
    },
  }),
  scenario({
    name: 'pool create',
    covers: ['record.pools.'],
    besides: ['boot.'],
    act: (api) => api.pools.create({ name: 'other', warm: [{ image: 'host', count: 1 }] }),
    check: async (api, _, answered) => {
      const names = (await api.pools.list()).map(({ name }) => name);
      if (answered) expect(names).toContain('other');
    },
    tidy: (api) => api.pools.delete('other', { force: true }).catch(() => {}),
  }),
  scenario({
    name: 'pool update',
    covers: ['pool.saved'],
    besides: ['boot.'],
    core: { pool: { capacity: { max: 8 } } },
    act: (api) => api.pools.update('default-pool', { policy: { warm: [{ image: 'host', count: 3 }] } }),
    check: async (api, _, answered) => {
      const [status] = await api.pools.status('default-pool');
      expect(answered ? [3] : [1, 3]).toContain(status?.warm);
    },
  }),
  scenario({
    name: 'pool delete',
    covers: ['pool.removed', 'record.pools.'],
    prepare: (api) => api.pools.create({ name: 'other', warm: [{ image: 'host', count: 1 }] }),
    act: (api) => api.pools.delete('other'),
    check: async (api, _, answered) => {
      const [other, ...more] = (await api.pools.list()).filter(({ name }) => name === 'other');
      expect(more).toEqual([]);
      if (answered) expect(other).toBeUndefined();
      // One that was not deleted is as it was.
      else if (other) expect(other).toMatchObject({ state: 'active', idle: 1 });
    },
    tidy: (api) => api.pools.delete('other', { force: true }).catch(() => {}),
  }),
  ...(['stop', 'drain'] as const).map((verb) =>
    scenario({
      name: `pool ${verb}`,
      covers: ['pool.'],
      prepare: (api) => api.pools.create({ name: 'other', warm: [{ image: 'host', count: 1 }] }),
      act: (api) => api.pools[verb]('other'),
      check: async (api, _, answered) => {
        const { state } = await api.pools.get('other');
        const done = verb === 'stop' ? 'stopped' : 'drained';
        expect(answered ? [done] : [done, 'active']).toContain(state);
        await api.pools.update('other', { start: true });
      },
      tidy: (api) => api.pools.delete('other', { force: true }),
    }),
  ),
  scenario({
    name: 'the start of a core after one that was killed',
    covers: ['recover.', 'reconcile.', 'serve.', 'record.pools.'],
    core: { pool: { capacity: { max: 4 } } },
    whileStarting: true,
    prepare: async (api) => {
      await makeRunning(api);
      return api.pools.lease(LEASE);
    },
    check: async (api, lease: { id: string }) => {
      expect((await api.sandboxes.get(box)).state.phase).toBe('Running');
      expect((await said(await api.pools.exec(lease.id, request('echo', 'x')))).code).toBe(0);
    },
  }),
  scenario({
    name: 'the end of a core',
    covers: ['close.'],
    core: COLD,
    whileEnding: true,
    prepare: (api) => makeRunning(api),
    ends: 'Running',
  }),
];
