import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { layoutFiles, tarOf } from '../../helpers/image/image-files.ts';
import { type Authority, createAuthority } from '../../helpers/image/registry/authority.ts';
import { type ClientFixture, createClient } from '../../helpers/image/registry/client-fixture.ts';
import { type ConnectProxy, startConnectProxy } from '../../helpers/image/registry/connect-proxy.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';

const AUTHORIZATION = `Basic ${Buffer.from('ada:proxy-password').toString('base64')}`;

let authority: Authority;
let secure: TestRegistry;
let plain: TestRegistry;
/** Only through these is there a host registry.test. */
let secureProxy: ConnectProxy;
let plainProxy: ConnectProxy;
let client: ClientFixture;

beforeAll(async () => {
  authority = await createAuthority();
  secure = await startRegistry({
    tls: await authority.issue({ names: ['DNS:registry.test', 'IP:127.0.0.1'] }),
  });
  plain = await startRegistry();
  const files = layoutFiles([{ layers: [await tarOf([{ name: 'a', content: 'a' }])] }]);
  for (const registry of [secure, plain]) await pushImage(registry, 'tool', files);
  secureProxy = await startConnectProxy(secure.address, AUTHORIZATION);
  plainProxy = await startConnectProxy(plain.address);
});
afterAll(async () => {
  await Promise.all([secureProxy, plainProxy, secure, plain].map((it) => it.stop()));
  await authority.remove();
});
beforeEach(async () => {
  client = await createClient();
  for (const proxy of [secureProxy, plainProxy]) proxy.requests.length = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
  return client.close();
});

const withPassword = (proxy: ConnectProxy, password: string) =>
  proxy.url.replace('://', `://ada:${password}@`);
const read = async (domain: string) => (await client.open(domain, 'tool')).manifest('latest');

it('the configuration names the proxy, with a password that is never printed', async () => {
  const registries = `registries: { "registry.test:5000": { ca: ${authority.ca} } }`;
  await client.configure(`${registries}\nproxy: { https: "${withPassword(secureProxy, 'proxy-password')}" }`);
  expect((await read('registry.test:5000')).body.length).toBeGreaterThan(0);
  expect(secureProxy.requests[0]).toBe('CONNECT registry.test:5000');

  await client.configure(`${registries}\nproxy: { https: "${withPassword(secureProxy, 'wrong-password')}" }`);
  const error = await read('registry.test:5000').catch((thrown) => thrown);
  expect(error).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(`the proxy ${new URL(secureProxy.url).host} answers 407`),
  });
  expect(`${error.stack}${error.hint}${client.log()}`).not.toContain('password');
});

it('plain http goes through a proxy too', async () => {
  await client.configure(
    `registries: { registry.test: { insecure: true } }\nproxy: { http: "${plainProxy.url}", https: "${plainProxy.url}" }`,
  );
  expect((await read('registry.test')).body.length).toBeGreaterThan(0);
  expect(plainProxy.requests).toContain('GET http://registry.test/v2/tool/manifests/latest');
});

it('without a configuration the environment names it, but never for this machine', async () => {
  vi.stubEnv('HTTPS_PROXY', withPassword(secureProxy, 'proxy-password'));
  await client.configure(
    `registries: { registry.test: { ca: ${authority.ca} }, "${secure.address}": { ca: ${authority.ca} } }`,
  );
  await read('registry.test');
  expect(secureProxy.requests).toEqual(['CONNECT registry.test:443']);
  await read(secure.address);
  expect(secureProxy.requests).toHaveLength(1);
});

it('a proxy that is not there is named', async () => {
  const gone = await startConnectProxy(secure.address);
  await gone.stop();
  await client.configure(`proxy: { https: "${withPassword(gone, 'proxy-password')}" }`);
  const error = await read('registry.test').catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('proxy') });
  expect(error.message).not.toContain('password');
});
