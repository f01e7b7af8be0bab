import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layoutFiles, tarOf } from '../../helpers/image/image-files.ts';
import { type Authority, createAuthority } from '../../helpers/image/registry/authority.ts';
import { startRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';
import { startTokenServer } from '../../helpers/image/registry/token-server.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});
afterAll(() => authority.remove());

const image = async () => layoutFiles([{ layers: [await tarOf([{ name: 'a', content: 'a' }])] }]);

describe('the registry of the tests', () => {
  it('takes images with a password over https', async () => {
    const basic = { username: 'ada', password: 'secret' };
    const registry = await startRegistry({ tls: await authority.issue(), basic });
    try {
      expect(await pushImage(registry, 'team/tool', await image())).toMatch(/^sha256:/);
      await expect(pushImage({ ...registry, basic: undefined }, 'a', await image())).rejects.toThrow('401');
    } finally {
      await registry.stop();
    }
  });

  it('takes images with tokens, through a proxy that counts', async () => {
    const tokens = await startTokenServer({ authority });
    const registry = await startRegistry({ token: tokens.terms });
    const proxy = await startFaultProxy(registry.url);
    try {
      const target = { url: proxy.url, authorization: tokens.authorize('team/tool') };
      await pushImage(target, 'team/tool', await image());
      expect(proxy.count(/PUT .*manifests/)).toBe(2);
    } finally {
      await Promise.all([proxy.stop(), registry.stop(), tokens.stop()]);
    }
  });
});
