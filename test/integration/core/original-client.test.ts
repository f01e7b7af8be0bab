import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProto, type ProtoClient, protoClient, serviceError } from '../../helpers/core/proto-client.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

const SANDBOX_INFO = [
  ...['sandbox_id', 'phase', 'agent_pod', 'endpoints', 'created_at', 'image', 'pool_ref', 'sandbox_name'],
].sort();

describe('a client made from the original field numbers, with a real core', () => {
  let core: RealCore;
  let client: ProtoClient;
  beforeAll(async () => {
    core = await startRealCore();
    const definition = loadProto('test/fixtures/protos/original.proto');
    client = protoClient(
      core.running.status.grpc.replace('tcp://', ''),
      definition,
      'fastpath.v1.FastPathService',
    );
  });
  afterAll(async () => {
    client.close();
    await core.close();
  });

  const create = (request: object = {}) =>
    client.call('CreateSandbox', { image: 'host', command: ['sleep'], args: ['1000'], ...request });
  const get = (sandbox_name: string, namespace = '') =>
    client.call('GetSandbox', { sandbox_name, namespace });

  it('creates with every field that it has, and reads back what it understands', async () => {
    const made = await create({
      ...{ name: 'whole', namespace: 'team', pool_ref: 'default-pool', consistency_mode: 'STRONG' },
      ...{ exposed_ports: [8080, 9090], envs: { A: 'b' }, working_dir: '/tmp' },
      ...{ command: ['sh'], args: ['-c', 'echo "$A $PWD"; sleep 1000'] },
    });
    expect(made).toMatchObject({
      sandbox_name: 'whole',
      sandbox_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(made.agent_pod).not.toBe('');
    const info = await get('whole', 'team');
    // What came later is not there for it.
    expect(Object.keys(info).sort()).toEqual(SANDBOX_INFO);
    expect(info).toMatchObject({
      ...{ sandbox_id: made.sandbox_id, phase: 'Running', image: 'host', pool_ref: 'default-pool' },
      ...{ sandbox_name: 'whole', agent_pod: made.agent_pod, endpoints: made.endpoints },
    });
    expect(Math.abs(info.created_at - Date.now() / 1000)).toBeLessThan(600);
    const { spec } = await core.running.api.sandboxes.get({ namespace: 'team', name: 'whole' });
    expect(spec).toMatchObject({
      ...{ consistency_mode: 'strong', exposed_ports: [8080, 9090], envs: { A: 'b' }, working_dir: '/tmp' },
    });
  });

  it('gets the defaults: namespace, pool, mode, and a name', async () => {
    const { sandbox_name } = await create();
    expect(sandbox_name).toMatch(/^sb-[0-9a-f]+$/);
    const { namespace, spec } = await core.running.api.sandboxes.get({
      namespace: 'default',
      name: sandbox_name,
    });
    expect({ namespace, ...spec }).toMatchObject({
      ...{
        namespace: 'default',
        pool_ref: 'default-pool',
        consistency_mode: 'fast',
        failure_policy: 'Manual',
      },
    });
    expect(await get(sandbox_name)).toMatchObject({ pool_ref: 'default-pool' });
  });

  it('lists everything of a namespace at once', async () => {
    for (const name of ['b', 'a', 'c']) await create({ name, namespace: 'many' });
    const { items } = await client.call('ListSandboxes', { namespace: 'many' });
    expect(items.map(({ sandbox_name }: { sandbox_name: string }) => sandbox_name)).toEqual(['a', 'b', 'c']);
    expect(Object.keys(items[0]).sort()).toEqual(SANDBOX_INFO);
    expect((await client.call('ListSandboxes', { namespace: 'nobody' })).items).toEqual([]);
  });

  it('updates, with each of the four and with labels', async () => {
    const { sandbox_id } = await create({ name: 'changed' });
    const update = (request: object) => client.call('UpdateSandbox', { sandbox_name: 'changed', ...request });
    const record = () => core.running.api.sandboxes.get({ namespace: 'default', name: 'changed' });
    const later = Math.floor(Date.now() / 1000) + 3600;
    expect(await update({ expire_time_seconds: later, labels: { a: '1' } })).toMatchObject({
      ...{ success: true, message: expect.any(String), sandbox: { sandbox_id, phase: 'Running' } },
    });
    expect(await record()).toMatchObject({ expiresAt: later * 1000, spec: { labels: { a: '1' } } });
    await update({ expire_time_seconds: 0 });
    expect(await record()).toMatchObject({ expiresAt: 0 });
    await update({ failure_policy: 'MANUAL' });
    await update({ recovery_timeout_seconds: 90 });
    expect((await record()).spec).toMatchObject({ failure_policy: 'Manual', recovery_timeout_seconds: 90 });
    // As clients of the first version write it: of the second in which the sandbox began.
    const reset_revision = new Date().toISOString().replace(/\.\d+/, '');
    const { sandbox } = await update({ reset_revision });
    expect(sandbox.sandbox_id).not.toBe(sandbox_id);
    expect((await update({ reset_revision })).sandbox.sandbox_id).toBe(sandbox.sandbox_id);
    expect(sandbox).toMatchObject({ sandbox_name: 'changed', phase: 'Running' });
  });

  it('deletes, and hears NOT_FOUND of what is not there, ALREADY_EXISTS of what is', async () => {
    await create({ name: 'gone' });
    expect(await serviceError(create({ name: 'gone' }))).toMatchObject({ code: status.ALREADY_EXISTS });
    expect(await client.call('DeleteSandbox', { sandbox_name: 'gone' })).toEqual({ success: true });
    for (const method of ['GetSandbox', 'DeleteSandbox', 'UpdateSandbox'])
      expect(await serviceError(client.call(method, { sandbox_name: 'gone' }))).toMatchObject({
        ...{ code: status.NOT_FOUND, details: expect.stringContaining('gone') },
      });
    expect(await serviceError(create({ image: '' }))).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('takes its deadline down to the guest, and leaves nothing', async () => {
    const { sandboxes } = core.running.api;
    const before = (await sandboxes.list({})).length;
    const soon = (ms: number) => ({ deadline: new Date(Date.now() + ms) });
    // A warm start of some milliseconds against deadlines around that: answered, or nothing is left.
    for (let ms = 1; ms <= 60; ms += 3) {
      const name = `hasty-${ms}`;
      const request = { image: 'host', command: ['sleep', '1000'], name, consistency_mode: 'STRONG' };
      const made = await client.call('CreateSandbox', request, soon(ms)).then(
        () => true,
        (error) => {
          expect(error.code).toBe(status.DEADLINE_EXCEEDED);
          return false;
        },
      );
      if (made) await client.call('DeleteSandbox', { sandbox_name: name });
    }
    // One that the client had no answer of may have been answered: it is finished then, and has a name.
    await expect.poll(async () => (await sandboxes.list({ phases: ['Pending', 'Bound'] })).length).toBe(0);
    for (const box of (await sandboxes.list({})).filter(({ name }) => name.startsWith('hasty'))) {
      expect(box.state.phase).toBe('Running');
      await sandboxes.delete(box, { grace: 0 });
    }
    expect(await sandboxes.list({})).toHaveLength(before);
  });
});
