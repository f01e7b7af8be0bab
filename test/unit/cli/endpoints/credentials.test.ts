import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { base64, type DockerHome, HUB, makeDockerHome } from '../../../helpers/cli/docker-home.ts';
import { pullingCore } from '../../../helpers/image/pulling-core.ts';

let user: DockerHome;

beforeEach(async () => {
  user = await makeDockerHome();
});

afterEach(() => user.close());

describe('config.json', () => {
  it.each([
    ['{\n  "auths": {\n    "r.io": {"auth": "c2VjcmV0"},,\n  }\n}', 'line 3 is not JSON'],
    ['{"auths": {\n', 'line 2 is not JSON'],
    ['{"auths": ["c2VjcmV0"]}', 'auths'],
    ['{"auths": {"r.io": {"auth": "c2VjcmV0"}}}', 'the auth of r.io is not base64 of user:password'],
    ['{"credsStore": "../bin/x"}', 'invalid credential helper'],
  ])('%j is an error that names it, and is never overwritten', async (text, part) => {
    await user.configure(text);
    const { code, stderr } = await user.fsb('login r.io');
    expect([code, stderr]).toEqual([2, expect.stringContaining(part)]);
    expect(stderr).not.toContain('c2VjcmV0');
    expect(await readFile(user.config, 'utf8')).toBe(text);
    const pull = await user.fsb('pull r.io/a');
    expect([pull.code, pull.stderr]).toEqual([
      0,
      expect.stringMatching(/^WARNING! Pulling without credentials: .*\n/),
    ]);
    expect(pull.stderr).toContain(part);
    expect(pull.stderr).not.toContain('c2VjcmV0');
  });

  it.each([
    ['r.io', 'r.io/a/b:1'],
    ['https://r.io', 'r.io/a'],
    ['http://r.io/v2/', 'r.io/a'],
    [HUB, 'alpine'],
    ['docker.io', 'me/tool'],
    ['index.docker.io', 'docker.io/me/tool'],
    ['localhost:5000', 'localhost:5000/a'],
  ])('%s is for %s', async (key, reference) => {
    await user.configure({
      auths: { [key]: { auth: base64('me:pass:word') }, 'other.io': { auth: base64('x:y') } },
    });
    expect(await user.pulledWith(reference)).toEqual({ username: 'me', password: 'pass:word' });
    expect(await user.pulledWith('r2.io/a')).toBeUndefined();
  });

  it('has names, passwords and tokens of every kind', async () => {
    const auths = {
      'a.io': { username: 'me', password: 'secret' },
      'b.io': { identitytoken: 'i' },
      'c.io': { registrytoken: 'r' },
      'd.io': {},
    };
    await user.configure({ auths });
    expect(await user.pulledWith('a.io/x')).toEqual({ username: 'me', password: 'secret' });
    expect(await user.pulledWith('b.io/x')).toEqual({ identityToken: 'i' });
    expect(await user.pulledWith('c.io/x')).toEqual({ registryToken: 'r' });
    expect(await user.pulledWith('d.io/x')).toBeUndefined();
  });

  it('is where DOCKER_CONFIG says', async () => {
    const options = { env: { ...user.env, DOCKER_CONFIG: join(user.home, 'elsewhere') }, input: 'secret' };
    await user.fsb('login r.io -u me --password-stdin', options);
    expect(JSON.parse(await readFile(join(user.home, 'elsewhere/config.json'), 'utf8')).auths).toHaveProperty(
      ['r.io'],
    );
    await user.fsb('pull r.io/a', options);
    expect(user.world.pulls.at(-1)?.credentials).toEqual({ username: 'me', password: 'secret' });
  });
});

describe('a credential helper', () => {
  it('keeps, gives and forgets what belongs to its registries', async () => {
    const { kept, asked } = await user.installHelper('store');
    await user.configure({ credsStore: 'store' });
    const { stderr } = await user.login('r.io');
    expect(stderr).not.toContain('unencrypted');
    expect(JSON.parse(await kept())).toEqual({ ServerURL: 'r.io', Username: 'me', Secret: 'secret' });
    expect(await user.content()).toEqual({ credsStore: 'store', auths: { 'r.io': {} } });
    expect(await user.pulledWith('r.io/a')).toEqual({ username: 'me', password: 'secret' });
    expect((await user.fsb('logout r.io')).stdout).toBe('Removing login credentials for r.io\n');
    expect(await user.content()).toEqual({ credsStore: 'store', auths: {} });
    expect(await user.pulledWith('r.io/a')).toBeUndefined();
    expect(await asked()).not.toContain('secret');
  });

  it('is that of its registry, and has tokens under a name of their own', async () => {
    const { kept } = await user.installHelper('hub');
    await user.configure({ credsStore: 'missing', credHelpers: { 'docker.io': 'hub' } });
    user.token = 't0k';
    await user.login('');
    expect(JSON.parse(await kept())).toEqual({ ServerURL: HUB, Username: '<token>', Secret: 't0k' });
    expect(await user.pulledWith('alpine')).toEqual({ identityToken: 't0k' });
  });

  it('that is not there is a clear error of a login, and a warning of a pull', async () => {
    await user.configure({ credHelpers: { 'r.io': 'nowhere' } });
    const said = expect.stringContaining('docker-credential-nowhere is not on the PATH');
    const { code, stderr } = await user.login('r.io');
    expect([code, stderr]).toEqual([2, said]);
    const pull = await user.fsb('pull r.io/a');
    expect([pull.code, pull.stderr]).toEqual([0, said]);
    expect(await user.pulledWith('r.io/a')).toBeUndefined();
    expect((await user.fsb('pull other.io/a')).code).toBe(0);
  });

  it('that fails is named where the registry wants credentials', async () => {
    const refused = pullingCore(async function* () {
      yield { kind: 'note', message: 'x' };
      throw new FsbError('unauthenticated', 'cannot read r.io/a: it wants a login', { hint: 'Log in.' });
    });
    await user.configure({ credHelpers: { 'r.io': 'nowhere' } });
    const { code, stderr } = await user.fsb('pull r.io/a', { core: refused.core });
    expect([code, stderr]).toEqual([
      7,
      expect.stringMatching(
        /Hint: It was shown no credentials: .*docker-credential-nowhere is not on the PATH/,
      ),
    ]);
    await refused.core.close();
  });

  it('that fails says why, and what it answers is never shown', async () => {
    const file = join(user.home, 'bin/docker-credential-odd');
    await user.configure({ credsStore: 'odd' });
    await writeFile(file, '#!/bin/sh\necho secret; echo the keychain is locked >&2; exit 1\n', {
      mode: 0o755,
    });
    const locked = await user.fsb('pull r.io/a');
    expect(locked.stderr).toContain('docker-credential-odd get failed: the keychain is locked');
    expect(locked.stderr).not.toContain('secret');
    await writeFile(file, '#!/bin/sh\necho secret\n');
    const { code, stderr } = await user.fsb('pull r.io/a');
    expect([code, stderr]).toEqual([0, expect.stringContaining('not what docker asks')]);
    expect(stderr).not.toContain('secret');
  });

  it('that repeats the password it was given is not repeated', async () => {
    const file = join(user.home, 'bin/docker-credential-loud');
    await user.configure({ credsStore: 'loud' });
    await writeFile(file, '#!/bin/sh\necho "cannot keep $(cat)"; exit 1\n', { mode: 0o755 });
    const { code, stderr } = await user.login('r.io', 'pass"word\n');
    expect([code, stderr]).toEqual([7, expect.stringContaining('store failed: cannot keep')]);
    expect(stderr).not.toMatch(/pass|word/);
  });
});
