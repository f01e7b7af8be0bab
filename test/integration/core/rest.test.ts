import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { table } from '../../../src/core/server/http/rest/table.ts';
import { makeRoot, type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { linesOf, type RestClient, restClient } from '../../helpers/core/rest-client.ts';
import { serveSecurely, TOKEN } from '../../helpers/core/secure-core.ts';
import { busyboxImage } from '../../helpers/image/busybox-image.ts';
import { layoutFiles } from '../../helpers/image/image-files.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';

/** The REST API of a real core, as a client sees it that was generated from the core's own OpenAPI document. */
describe('a generated client', { timeout: 60_000 }, () => {
  let core: RealCore;
  let registry: TestRegistry;
  let rest: RestClient;
  const box = { namespace: 'default', name: 'box' };

  beforeAll(async () => {
    registry = await startRegistry();
    await pushImage(registry, 'team/tool', layoutFiles([await busyboxImage({ name: undefined })]), '1');
    const root = await makeRoot();
    const settings = { registries: { [registry.address]: { insecure: true } } };
    await writeFile(join(root, 'registries.yaml'), JSON.stringify(settings));
    core = await startRealCore({ root });
    rest = await restClient(core.running.status.http);
  });

  afterAll(async () => {
    await core.close();
    await registry.stop();
  });

  it('leads a sandbox through its life', async () => {
    const spec = { image: 'host', command: ['sleep', '1000'], labels: { team: 'red' }, grace_period: '1s' };
    const made = await rest.ok('createSandbox', { 'Idempotency-Key': 'k1' }, { name: 'box', spec });
    expect(made).toMatchObject({ ...box, phase: 'Running', labels: { team: 'red' }, generation: 1 });
    const again = await rest.ok('createSandbox', { 'Idempotency-Key': 'k1' }, { name: 'box', spec });
    expect(again.id).toBe(made.id);
    expect(await rest.ok('getSandbox', box)).toMatchObject({ id: made.id, log_bytes: expect.any(Number) });
    expect((await rest.ok('listSandboxes', { labels: ['team=red'], phase: ['Running'] })).items).toHaveLength(
      1,
    );
    expect((await rest.ok('listSandboxes', { labels: ['team=blue'] })).items).toEqual([]);

    expect(await rest.ok('getSandboxUsage', box)).toMatchObject({
      ...{ pids: expect.any(Number), limits: { pids: 256 } },
    });
    expect((await rest.ok('listSandboxUsage')).items).toHaveLength(1);
    const changed = await rest.ok('updateSandbox', box, { labels: { team: null, tier: 'web' }, ttl: '1h' });
    expect(changed).toMatchObject({ labels: { tier: 'web' }, expires_at: expect.any(String) });

    expect(await rest.ok('pauseSandbox', box)).toMatchObject({ paused: true });
    expect(await rest.ok('unpauseSandbox', box)).toMatchObject({ paused: false });
    expect(await rest.ok('restartSandbox', box, { grace: 0 })).toMatchObject({ generation: 2 });
    for (const _ of ['once', 'and the same again'])
      expect(await rest.ok('resetSandbox', box, { grace: '0s', revision: 'r1' })).toMatchObject({
        generation: 3,
      });
    const wait = rest.ok('waitSandbox', box);
    await rest.ok('signalSandbox', box, { signal: 'KILL' });
    expect(await wait).toMatchObject({ exit_code: 137, signal: 'SIGKILL' });
    expect(await rest.ok('startSandbox', box)).toMatchObject({ phase: 'Running', generation: 4 });
    expect(await rest.ok('stopSandbox', box, { grace: 0, stop_signal: 9 })).toMatchObject({
      phase: 'Exited',
    });
    expect(await rest.ok('renameSandbox', box, { name: 'crate' })).toMatchObject({ name: 'crate' });
    await rest.ok('deleteSandbox', { ...box, name: 'crate', grace: 0 });
    expect((await rest.call('getSandbox', { ...box, name: 'crate' })).status).toBe(404);
  });

  it('shows its token over TLS, as the document says', async () => {
    await using place = await serveSecurely(core.running.api);
    const ca = readFileSync(place.authority.ca);
    const base = `https://localhost:${place.servers.http[0]!.split(':')[1]}`;
    const secure = await restClient(base, { token: TOKEN, ca });
    const spec = { image: 'host', command: ['true'] };
    const made = await secure.ok('createSandbox', {}, { name: 'far', spec, auto_remove: true });
    expect(made).toMatchObject({ name: 'far' });
    const far = await core.running.api.sandboxes.get({ ...box, name: 'far' });
    expect(far).toMatchObject({ id: made.id, autoRemove: true });
    expect(await secure.ok('waitSandbox', { ...box, name: 'far' })).toMatchObject({ exit_code: 0 });
    await secure.ok('deleteSandbox', { ...box, name: 'far', grace: 0 });
    const stranger = { headers: { authorization: 'Bearer nobody-has-this-token' } };
    const { status, data } = await secure.call('listSandboxes', {}, undefined, stranger);
    expect([status, data.error.code]).toEqual([401, 'unauthenticated']);
  });

  it('sends again what it has read', async () => {
    const { spec } = await rest.ok(
      'createSandbox',
      {},
      { name: 'first', spec: { image: 'host', ttl: '1h' } },
    );
    const copy = await rest.ok('createSandbox', {}, { name: 'second', spec });
    expect(copy.spec).toEqual(spec);
    const { policy } = await rest.ok('getPool', { name: 'default-pool' });
    const pool = await rest.ok('createPool', {}, { ...policy, name: 'twin', warm: [] });
    expect(pool.policy).toEqual({ ...policy, name: 'twin', warm: [] });
    await rest.ok('deletePool', { name: 'twin' });
    for (const name of ['first', 'second']) await rest.ok('deleteSandbox', { ...box, name, grace: 0 });
  });

  it('watches from where it has listed', async () => {
    const { revision } = await rest.ok('listSandboxes');
    await rest.ok('createSandbox', {}, { name: 'seen', spec: { image: 'host', command: ['sleep', '1000'] } });
    const [first] = await rest.lines('watchSandboxes', { revision }, 1);
    expect(first).toMatchObject({ sandbox: { name: 'seen' }, revision: expect.any(String) });
    const all = await rest.lines('watchSandboxes', {}, 2);
    expect(all).toMatchObject([{ sandbox: { name: 'seen' } }, { complete: true }]);
    await rest.ok('deleteSandbox', { ...box, name: 'seen', grace: 0 });
    const [gone] = (await rest.lines('watchSandboxes', { revision: all[1].revision }, 2)).slice(-1);
    expect(gone).toMatchObject({ removed: { name: 'seen' } });
    const outdated = await rest.call('watchSandboxes', { revision: 'x-1' });
    expect([outdated.status, outdated.data.error.code]).toEqual([400, 'invalid_argument']);
  });

  it('leads a pool through its life', async () => {
    const name = { name: 'ci' };
    const capacity = { max: 3 };
    const made = await rest.ok(
      'createPool',
      {},
      { name: 'ci', warm: [{ image: 'host', count: 1 }], capacity },
    );
    expect(made).toMatchObject({ name: 'ci', state: 'active', policy: { capacity: { max: 3 } } });
    expect((await rest.ok('listPools')).items).toHaveLength(2);
    const lease = await rest.ok(
      'createLease',
      {},
      { pool: 'ci', image: 'host', on_empty: 'boot', ttl: '1m' },
    );
    expect(lease).toMatchObject({ pool: 'ci', ttl_ms: 60_000 });
    expect((await rest.ok('listLeases')).items).toMatchObject([{ id: lease.id }]);
    expect(await rest.ok('getPool', name)).toMatchObject({ instances: expect.any(Array), claimed: 1 });
    await rest.ok('killLease', { id: lease.id });
    await rest.ok('releaseLease', { id: lease.id, destroy: true });
    expect((await rest.ok('getPoolStatus', name)).items).toMatchObject([{ pool: 'ci', image: 'host' }]);
    expect((await rest.ok('listPoolStatus')).items.length).toBeGreaterThan(1);
    const update = { policy: { capacity: { max: 4 }, ttl: '1m' }, pressure: 0.5, reset: true };
    expect(await rest.ok('updatePool', name, update)).toMatchObject({
      policy: { capacity: { max: 4 }, ttl: '1m' },
    });
    expect(await rest.ok('stopPool', name, { timeout: '30s' })).toMatchObject({ state: 'stopped', idle: 0 });
    expect(await rest.ok('startPool', name)).toMatchObject({ state: 'active' });
    expect(await rest.ok('drainPool', name, { force: true })).toMatchObject({ state: 'drained' });
    await rest.ok('deletePool', { ...name, force: true });
    expect((await rest.call('getPool', name)).status).toBe(404);
  });

  it('leads an image through its life', async () => {
    const reference = `${registry.address}/team/tool:1`;
    const steps = linesOf(await rest.ok('pullImage', {}, { reference }));
    expect(steps.at(-1)).toMatchObject({
      kind: 'done',
      up_to_date: false,
      image: { references: [reference] },
    });
    const target = 'tools:2';
    await rest.ok('tagImage', { reference }, { target });
    const details = await rest.ok('inspectImage', { reference: target });
    expect(details).toMatchObject({ references: expect.arrayContaining([reference]) });
    const references = (await rest.ok('listImages')).items.map(
      (image: { references: string[] }) => image.references,
    );
    expect(references).toContainEqual(details.references);
    expect(await rest.ok('removeImage', { reference })).toMatchObject({
      deleted: false,
      untagged: expect.arrayContaining([reference]),
    });
    expect(await rest.ok('pruneImages', {}, { all: true, dry_run: true })).toMatchObject({
      removed: [{ digest: details.digest }],
    });
    const tar = await rest.call('saveImages', {}, { references: [target] }, { responseType: 'arraybuffer' });
    expect(tar.headers['content-type']).toBe('application/x-tar');
    expect(await rest.ok('pruneImages', {}, { all: true })).toMatchObject({ removed: [{ deleted: true }] });
    const asTar = { headers: { 'content-type': 'application/x-tar' } };
    const back = await rest.call('importImage', { name: 'back:1' }, tar.data, asTar);
    expect(back).toMatchObject({ status: 201, data: { items: [{ digest: details.digest }] } });
    await rest.ok('removeImage', { reference: 'back:1' });
    const broken = await rest.call('importImage', {}, Buffer.alloc(2048, 1), asTar);
    expect([broken.status, broken.data.error.code]).toEqual([400, 'invalid_argument']);
    const none = await rest.call('saveImages', {}, { references: ['none:1'] });
    expect([none.status, none.data.error.code]).toEqual([404, 'image_not_found']);
    expect((await rest.call('inspectImage', { reference })).data.error.code).toBe('image_not_found');
    const login = { registry: registry.address, credentials: { username: 'me', password: 'secret' } };
    expect((await rest.call('login', {}, login)).status).toBeLessThan(500);
    const missing = await rest.call('pullImage', {}, { reference: `${registry.address}/team/none:1` });
    expect([missing.status, missing.data.error.code]).toEqual([404, 'image_not_found']);
  });

  it('looks at the core', async () => {
    expect(await rest.ok('getInfo')).toMatchObject({ version: 'test', pid: process.pid });
    expect(await rest.ok('getHealth')).toMatchObject({ stuck: [], records: { failure: null } });
    expect(await rest.ok('getSystemUsage')).toMatchObject({ records: { count: expect.any(Number) } });
    const retained = (await rest.ok('listRetainedLogs')).items as { sandbox_id: string }[];
    await rest.ok('removeRetainedLogs', {}, { sandbox_ids: retained.map(({ sandbox_id }) => sandbox_id) });
    expect((await rest.ok('listRetainedLogs')).items).toEqual([]);
    expect((await rest.ok('removeSetAside')).items).toEqual([]);
    const events = linesOf(await rest.ok('watchEvents', { follow: false, kind: ['sandbox', 'image'] }));
    expect(events.map(({ kind, type }) => `${kind} ${type}`)).toEqual(
      expect.arrayContaining(['sandbox created', 'sandbox deleted', 'image pulled']),
    );
    const rest2 = linesOf(await rest.ok('watchEvents', { follow: false, after: events.at(-2)!.seq }));
    expect(rest2[0].seq).toBe(events.at(-2)!.seq + 1);
  });

  it('speaks the node API, too', async () => {
    const sandbox = { sandboxId: 'node-1', image: 'host', command: ['echo', 'hi'] };
    expect(await rest.ok('agentCreate', {}, { sandbox })).toMatchObject({ success: true });
    expect(await rest.ok('agentLogs', { sandboxId: 'node-1', follow: true })).toBe('hi\n');
    expect(await rest.ok('agentStatus')).toMatchObject({ sandboxStatuses: [{ sandboxId: 'node-1' }] });
    expect(await rest.ok('agentDelete', {}, { sandboxId: 'node-1' })).toMatchObject({ success: true });
  });

  it('has called everything there is', () => {
    expect(table.map(({ operation }) => operation).filter((name) => !rest.called.has(name))).toEqual([]);
  });
});
