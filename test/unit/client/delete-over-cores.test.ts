import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { type BreakingProxy, breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';
import { gate } from '../../helpers/gate.ts';

const box = { namespace: 'default', name: 'box' };
const create = { ...box, spec: { image: 'host', args: ['sleep', '60'] } };

describe('a deletion whose core goes away', () => {
  let core: HostCore;
  let served: ServedCore;
  let proxy: BreakingProxy;
  let client: CoreApi;

  beforeEach(async () => {
    core = hostCore();
    served = await serveAndConnect(core, 'tcp');
    proxy = await breakingProxy(served.servers.grpc[0]!, []);
    client = connectCore({ grpc: proxy.address });
    await core.sandboxes.create(create);
  });

  afterEach(async () => {
    await client.close();
    await proxy.close();
    await served.close();
    await core.close();
  });

  /** How it ends, where its connection breaks before the answer. @param meanwhile what has been done by then */
  async function lostDeletion(meanwhile: () => Promise<unknown>): Promise<string> {
    const asked = gate();
    vi.spyOn(core.sandboxes, 'delete').mockImplementationOnce(() => {
      asked.open();
      return new Promise(() => {});
    });
    const deletion = client.sandboxes.delete(box).then(
      () => 'done',
      (error: unknown) => FsbError.from(error).code,
    );
    await asked.promise;
    proxy.cut();
    await meanwhile();
    proxy.restore();
    return deletion;
  }

  const names = async () => (await core.sandboxes.list({})).map(({ name }) => name);

  it('asks the next one', async () => {
    expect(await lostDeletion(async () => {})).toBe('done');
    expect(await names()).toEqual([]);
  });

  it('is done where the next one knows no such sandbox', async () => {
    expect(await lostDeletion(() => core.sandboxes.delete(box, { grace: 0 }))).toBe('done');
  });

  it('takes nothing that has got the name since', async () => {
    const another = async (): Promise<void> => {
      await core.sandboxes.delete(box, { grace: 0 });
      await core.sandboxes.create(create);
    };
    expect(await lostDeletion(another)).toBe('conflict');
    expect(await names()).toEqual(['box']);
  });

  it('says not_found where there was none to begin with', async () => {
    const nobody = client.sandboxes.delete({ ...box, name: 'nobody' });
    await expect(nobody).rejects.toMatchObject({ code: 'not_found' });
  });
});
