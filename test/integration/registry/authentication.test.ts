import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { layoutFiles, tarOf } from '../../helpers/image/image-files.ts';
import { type Authority, createAuthority } from '../../helpers/image/registry/authority.ts';
import { type ClientFixture, createClient } from '../../helpers/image/registry/client-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';
import {
  refreshTokenOf,
  startTokenServer,
  type TokenServer,
} from '../../helpers/image/registry/token-server.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const ada = { username: 'ada', password: 'ada-password-4711' };

let authority: Authority;
let client: ClientFixture;

const image = async () => layoutFiles([{ layers: [await tarOf([{ name: 'a', content: 'a' }])] }]);
const thrownBy = (promise: Promise<unknown>): Promise<Error & { hint?: string }> =>
  promise.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (error) => error,
  );
const insecure = (address: string) => client.configure(`registries: { "${address}": { insecure: true } }`);

beforeAll(async () => {
  authority = await createAuthority();
});
afterAll(() => authority.remove());
beforeEach(async () => {
  client = await createClient();
});
afterEach(() => client.close());

describe('a registry with passwords', () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startRegistry({ basic: ada });
    await pushImage(registry, 'team/tool', await image());
  });
  afterAll(() => registry.stop());

  it('lets the right one in', async () => {
    await insecure(registry.address);
    const repository = await client.open(registry.address, 'team/tool', ada);
    expect((await repository.manifest('latest')).body.length).toBeGreaterThan(0);
    expect(await client.registries.login(registry.address, ada)).toEqual({});
  });

  it('says how to log in, and never what the password was', async () => {
    await insecure(registry.address);
    const anonymous = await thrownBy((await client.open(registry.address, 'team/tool')).manifest('latest'));
    expect(anonymous).toMatchObject({
      code: 'unauthenticated',
      hint: expect.stringContaining(`fsb-ctl login ${registry.address}`),
    });
    const wrong = { username: 'ada', password: 'wrong-password-0815' };
    const refused = await thrownBy(
      (await client.open(registry.address, 'team/tool', wrong)).manifest('latest'),
    );
    expect(refused).toMatchObject({ code: 'unauthenticated' });
    const login = await thrownBy(client.registries.login(registry.address, wrong));
    expect(login).toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('cannot log in'),
    });
    const everything =
      [refused, login].map((it) => `${it.message} ${it.hint} ${it.stack}`).join() + client.log();
    expect(everything).not.toContain('wrong-password');
  });

  it('never sees a password over plain http that nobody allowed', async () => {
    const proxy = await startFaultProxy(registry.url);
    try {
      const error = await thrownBy((await client.open(proxy.address, 'team/tool', ada)).manifest('latest'));
      expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('plain http') });
      expect(error.hint).toContain(`${client.file}:\nregistries:\n  "${proxy.address}": { insecure: true }`);
      expect(proxy.requests).toEqual([]);
    } finally {
      await proxy.stop();
    }
  });
});

describe('a registry with tokens', () => {
  let tokens: TokenServer;
  let registry: TestRegistry;
  let proxy: FaultProxy;
  beforeAll(async () => {
    tokens = await startTokenServer({ authority, users: { ada: ada.password }, open: ['open/tool'] });
    registry = await startRegistry({ token: tokens.terms });
    proxy = await startFaultProxy(registry.url);
    for (const name of ['team/tool', 'open/tool'])
      await pushImage({ url: registry.url, authorization: tokens.authorize(name) }, name, await image());
  });
  afterAll(() => Promise.all([proxy.stop(), registry.stop(), tokens.stop()]));
  beforeEach(async () => {
    tokens.requests.length = 0;
    proxy.reset();
    await insecure(proxy.address);
  });

  it('gives anybody what is open, with one token for all questions', async () => {
    const repository = await client.open(proxy.address, 'open/tool');
    await Promise.all([1, 2, 3].map(() => repository.manifest('latest')));
    await (await client.open(proxy.address, 'open/tool')).manifest('latest');
    expect(tokens.requests).toHaveLength(1);
    expect(tokens.requests[0]!.authorization).toBeUndefined();
  });

  it('gives its users the rest, and each user has tokens of its own', async () => {
    await (await client.open(proxy.address, 'team/tool', ada)).manifest('latest');
    expect(tokens.requests[0]!.parameters.get('scope')).toBe('repository:team/tool:pull');
    expect(tokens.requests[0]!.parameters.get('account')).toBe('ada');
    const error = await thrownBy((await client.open(proxy.address, 'team/tool')).manifest('latest'));
    expect(error).toMatchObject({
      code: 'denied',
      message: expect.stringContaining('does not exist'),
      hint: expect.stringContaining(`fsb-ctl login ${proxy.address}`),
    });
  });

  it('takes a token that a login gave', async () => {
    const { identityToken } = await client.registries.login(proxy.address, ada);
    expect(identityToken).toBe(refreshTokenOf('ada'));
    await (await client.open(proxy.address, 'team/tool', { identityToken })).manifest('latest');
    expect(tokens.requests.at(-1)!.method).toBe('POST');
  });

  it('is asked anew at each login: the password may have been changed', async () => {
    const users = { ada: ada.password };
    const changing = await startTokenServer({ authority, users });
    const shut = await startRegistry({ token: changing.terms });
    try {
      await insecure(shut.address);
      await client.registries.login(shut.address, ada);
      users.ada = 'another';
      const second = await thrownBy(client.registries.login(shut.address, ada));
      expect(second).toMatchObject({ code: 'unauthenticated' });
    } finally {
      await Promise.all([shut.stop(), changing.stop()]);
    }
  });

  it('takes a token of its own as it is', async () => {
    const registryToken = tokens.authorize('team/tool').replace('Bearer ', '');
    await (await client.open(proxy.address, 'team/tool', { registryToken })).manifest('latest');
    expect(tokens.requests).toEqual([]);
    expect(proxy.requests).toHaveLength(1);
  });

  it('may forget a token in the middle: another one is fetched', async () => {
    const repository = await client.open(proxy.address, 'team/tool', ada);
    await repository.manifest('latest');
    const challenge = `Bearer realm="${tokens.realm}",service="test-registry",scope="repository:team/tool:pull",error="invalid_token"`;
    proxy.add({ on: /manifests/, times: 1, status: 401, headers: { 'www-authenticate': challenge } });
    await repository.manifest('latest');
    expect(tokens.requests).toHaveLength(2);
  });

  it('gives a new token when the time of the old one is over', async () => {
    const clock = createManualClock();
    const other = await createClient({ clock });
    await other.configure(`registries: { "${proxy.address}": { insecure: true } }`);
    try {
      const repository = await other.open(proxy.address, 'team/tool', ada);
      await repository.manifest('latest');
      await clock.advance(269_000);
      await repository.manifest('latest');
      expect(tokens.requests).toHaveLength(1);
      await clock.advance(1000);
      await repository.manifest('latest');
      expect(tokens.requests).toHaveLength(2);
    } finally {
      await other.close();
    }
  });

  it('may have a token server that only knows forms', async () => {
    const forms = await startTokenServer({ authority, users: { ada: ada.password }, onlyPost: true });
    const shut = await startRegistry({ token: forms.terms });
    try {
      await insecure(shut.address);
      expect(await client.registries.login(shut.address, ada)).toEqual({
        identityToken: refreshTokenOf('ada'),
      });
    } finally {
      await Promise.all([shut.stop(), forms.stop()]);
    }
  });

  it('refuses a wrong password, without repeating it', async () => {
    const wrong = { username: 'ada', password: 'wrong-password-0815' };
    const login = await thrownBy(client.registries.login(proxy.address, wrong));
    expect(login).toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('incorrect username or password'),
    });
    const body = JSON.stringify({ details: `no ${wrong.password} here` });
    tokens.failWith = { status: 401, body };
    const echoed = await thrownBy((await client.open(proxy.address, 'team/tool', wrong)).manifest('latest'));
    tokens.failWith = undefined;
    expect(echoed.message).toContain('no *** here');
    expect(client.log()).not.toContain('wrong-password');
  });

  it('is asked again when its token server stumbles', async () => {
    tokens.failWith = { status: 503, body: '' };
    const onRetry = () => {
      tokens.failWith = undefined;
    };
    await (await client.open(proxy.address, 'team/tool', ada)).manifest('latest', { onRetry });
    expect(client.waits).toEqual([500]);
  });

  it('may not send its readers to a token server without encryption', async () => {
    const secure = await startRegistry({ token: tokens.terms, tls: await authority.issue() });
    try {
      await client.configure(`registries: { "${secure.address}": { ca: ${authority.ca} } }`);
      const error = await thrownBy((await client.open(secure.address, 'team/tool', ada)).manifest('latest'));
      expect(error).toMatchObject({ code: 'denied', message: expect.stringContaining('not encrypted') });
      expect(tokens.requests).toEqual([]);
    } finally {
      await secure.stop();
    }
  });
});
