import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoginRequest } from '../../../src/core/model/image-requests.ts';
import { type CommandLineOptions, runCommandLine, startCommandLine } from '../../helpers/command-line.ts';
import { type PullingCore, pullingCore } from '../../helpers/pulling-core.ts';

const HUB = 'https://index.docker.io/v1/';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let world: PullingCore;
let home: string;
let logins: LoginRequest[];
/** What the registry gives instead of a password. */
let token: string | undefined;
const env = (): Record<string, string> => ({ HOME: home, PATH: `${home}/bin:${process.env.PATH}` });
const fsb = (line: string, options: CommandLineOptions = {}) =>
  runCommandLine(line.split(' '), { core: world.core, env: env(), ...options });
const config = (): string => join(home, '.docker/config.json');
const content = async () => JSON.parse(await readFile(config(), 'utf8'));
const configure = (text: unknown) =>
  writeFile(config(), typeof text === 'string' ? text : JSON.stringify(text));
const login = (words = '', input = 'secret\n') =>
  fsb(`login ${words} -u me --password-stdin`.replace('  ', ' '), { input });
const pulledWith = async (reference: string) => {
  await fsb(`pull ${reference}`);
  return world.pulls.at(-1)?.credentials;
};

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsb-login-'));
  await mkdir(join(home, '.docker'));
  await mkdir(join(home, 'bin'));
  world = pullingCore();
  [logins, token] = [[], undefined];
  const { images } = world.core;
  world.core = {
    ...world.core,
    images: {
      ...images,
      login: async (request) => {
        logins.push(structuredClone(request));
        await images.login(request);
        return token === undefined ? {} : { identityToken: token };
      },
    },
  };
});

afterEach(() => rm(home, { recursive: true }));

/** A helper that keeps everything in a file, and what it was asked in another. */
async function installHelper(
  name: string,
): Promise<{ kept: () => Promise<string>; asked: () => Promise<string> }> {
  const file = join(home, 'bin', `docker-credential-${name}`);
  const [kept, asked] = [join(home, `${name}.kept`), join(home, `${name}.asked`)];
  await writeFile(
    file,
    `#!/bin/sh
echo "$@" >> ${asked}
case $1 in
  get) cat >> ${asked}; [ -s ${kept} ] && cat ${kept} || { echo "credentials not found in native keychain"; exit 1; };;
  store) cat > ${kept};;
  erase) cat > /dev/null; : > ${kept};;
esac
`,
  );
  await chmod(file, 0o755);
  const read = (path: string) => readFile(path, 'utf8');
  return { kept: () => read(kept), asked: () => read(asked) };
}

describe('login', () => {
  it('keeps what the registry takes as docker does, for its owner alone', async () => {
    await configure(
      '{\n\t"auths": {"other": {"auth": "eDp5"}},\n\t"psFormat": "x",\n\t"proxies": {"a": 1}\n}',
    );
    const { code, stdout, stderr } = await login('registry.example.com');
    expect([code, stdout]).toEqual([0, 'Login Succeeded\n']);
    expect(stderr).toContain(`WARNING! Your credentials are stored unencrypted in '${config()}'.`);
    expect(logins).toEqual([
      { registry: 'registry.example.com', credentials: { username: 'me', password: 'secret' } },
    ]);
    expect(await readFile(config(), 'utf8')).toBe(
      JSON.stringify(
        {
          auths: { other: { auth: 'eDp5' }, 'registry.example.com': { auth: base64('me:secret') } },
          ...{ psFormat: 'x', proxies: { a: 1 } },
        },
        null,
        '\t',
      ),
    );
    expect((await stat(config())).mode & 0o777).toBe(0o600);
    expect(await readdir(join(home, '.docker'))).toEqual(['config.json']);
    expect(stdout + stderr).not.toContain('secret');
  });

  it('keeps a token instead of the password, and Docker Hub under its old name', async () => {
    token = 't0k';
    await rm(join(home, '.docker'), { recursive: true });
    expect((await login()).code).toBe(0);
    expect(await content()).toEqual({ auths: { [HUB]: { auth: base64('me:'), identitytoken: 't0k' } } });
    expect(await pulledWith('alpine')).toEqual({ username: 'me', identityToken: 't0k' });
    expect((await stat(join(home, '.docker'))).mode & 0o777).toBe(0o700);
  });

  it('keeps nothing when the registry does not take it', async () => {
    const { code, stdout, stderr } = await login('r.io', 'wrong');
    expect([code, stdout]).toEqual([7, '']);
    expect(stderr).toContain('r.io does not know these credentials');
    expect(await readdir(join(home, '.docker'))).toEqual([]);
  });

  it('warns of -p', async () => {
    const { code, stderr } = await fsb('login r.io -u me -p secret');
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^WARNING! Using --password via the CLI is insecure/),
    ]);
  });

  it.each([
    ['login r.io', '--password-stdin'],
    ['login r.io -u me', '--password-stdin'],
    ['login r.io --password-stdin', 'needs --username'],
    ['login r.io -u me --password-stdin', 'the password is empty'],
    ['login r.io -u me -p x --password-stdin', 'password-stdin'],
    ['login not-a-host -u me -p x', 'invalid registry "not-a-host"'],
  ])('%s fails without a terminal, and asks no core', async (line, part) => {
    const { code, stderr } = await fsb(line, { core: undefined });
    expect([code, stderr]).toEqual([2, expect.stringContaining(part)]);
  });

  it('asks on a terminal, and shows nothing of the password', async () => {
    const line = startCommandLine(['login', 'r.io'], { core: world.core, env: env(), tty: true });
    await line.stderr.until('Username:');
    line.stdin.write('me\r');
    await line.stderr.until('Password:');
    line.stdin.write('secret\r');
    expect([await line.code, line.stdout.text]).toEqual([0, 'Login Succeeded\n']);
    expect(line.stderr.text).not.toContain('secret');
    expect(logins[0]?.credentials).toEqual({ username: 'me', password: 'secret' });
  });

  it('tries first what is kept', async () => {
    await login('r.io');
    const again = await fsb('login r.io');
    expect([again.code, logins.length]).toEqual([0, 2]);
    expect(again.stderr).toContain('Authenticating with existing credentials...');
    await configure({ auths: { 'r.io': { auth: base64('me:wrong') } } });
    expect((await fsb('login r.io')).stderr).toMatch(/Login did not succeed: .*\nError: .*no terminal/);
  });

  it('prints who is logged in where with -o json', async () => {
    const { stdout, stderr } = await login('r.io -o json');
    expect([JSON.parse(stdout), stderr]).toEqual([{ registry: 'r.io', username: 'me' }, '']);
  });
});

describe('config.json', () => {
  it.each([
    ['{\n  "auths": {\n    "r.io": {"auth": "c2VjcmV0"},,\n  }\n}', 'line 3 is not JSON'],
    ['{"auths": {\n', 'line 2 is not JSON'],
    ['{"auths": ["c2VjcmV0"]}', 'auths'],
    ['{"auths": {"r.io": {"auth": "c2VjcmV0"}}}', 'the auth of r.io is not base64 of user:password'],
    ['{"credsStore": "../bin/x"}', 'invalid credential helper'],
  ])('%j is an error that names it, and is never overwritten', async (text, part) => {
    await configure(text);
    for (const line of ['login r.io', 'pull r.io/a', 'run box --image r.io/a']) {
      const { code, stderr } = await fsb(line);
      expect([code, stderr]).toEqual([2, expect.stringContaining(part)]);
      expect(stderr).not.toContain('c2VjcmV0');
    }
    expect(await readFile(config(), 'utf8')).toBe(text);
    expect(world.pulls).toEqual([]);
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
    await configure({
      auths: { [key]: { auth: base64('me:pass:word') }, 'other.io': { auth: base64('x:y') } },
    });
    expect(await pulledWith(reference)).toEqual({ username: 'me', password: 'pass:word' });
    expect(await pulledWith('r2.io/a')).toBeUndefined();
  });

  it('has names, passwords and tokens of every kind', async () => {
    const auths = {
      'a.io': { username: 'me', password: 'secret' },
      'b.io': { identitytoken: 'i' },
      'c.io': { registrytoken: 'r' },
      'd.io': {},
    };
    await configure({ auths });
    expect(await pulledWith('a.io/x')).toEqual({ username: 'me', password: 'secret' });
    expect(await pulledWith('b.io/x')).toEqual({ identityToken: 'i' });
    expect(await pulledWith('c.io/x')).toEqual({ registryToken: 'r' });
    expect(await pulledWith('d.io/x')).toBeUndefined();
  });

  it('is where DOCKER_CONFIG says', async () => {
    const options = { env: { ...env(), DOCKER_CONFIG: join(home, 'elsewhere') }, input: 'secret' };
    await fsb('login r.io -u me --password-stdin', options);
    expect(JSON.parse(await readFile(join(home, 'elsewhere/config.json'), 'utf8')).auths).toHaveProperty([
      'r.io',
    ]);
    await fsb('pull r.io/a', options);
    expect(world.pulls.at(-1)?.credentials).toEqual({ username: 'me', password: 'secret' });
  });
});

describe('a credential helper', () => {
  it('keeps, gives and forgets what belongs to its registries', async () => {
    const { kept, asked } = await installHelper('store');
    await configure({ credsStore: 'store' });
    const { stderr } = await login('r.io');
    expect(stderr).not.toContain('unencrypted');
    expect(JSON.parse(await kept())).toEqual({ ServerURL: 'r.io', Username: 'me', Secret: 'secret' });
    expect(await content()).toEqual({ credsStore: 'store', auths: { 'r.io': {} } });
    expect(await pulledWith('r.io/a')).toEqual({ username: 'me', password: 'secret' });
    expect((await fsb('logout r.io')).stdout).toBe('Removing login credentials for r.io\n');
    expect(await content()).toEqual({ credsStore: 'store', auths: {} });
    expect(await pulledWith('r.io/a')).toBeUndefined();
    expect(await asked()).not.toContain('secret');
  });

  it('is that of its registry, and has tokens under a name of their own', async () => {
    const { kept } = await installHelper('hub');
    await configure({ credsStore: 'missing', credHelpers: { 'docker.io': 'hub' } });
    token = 't0k';
    await login();
    expect(JSON.parse(await kept())).toEqual({ ServerURL: HUB, Username: '<token>', Secret: 't0k' });
    expect(await pulledWith('alpine')).toEqual({ identityToken: 't0k' });
  });

  it('that is not there is a clear error', async () => {
    await configure({ credHelpers: { 'r.io': 'nowhere' } });
    const { code, stderr } = await fsb('pull r.io/a');
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('docker-credential-nowhere is not on the PATH'),
    ]);
    expect((await fsb('pull other.io/a')).code).toBe(0);
  });

  it('that fails says why, and what it answers is never shown', async () => {
    const file = join(home, 'bin/docker-credential-odd');
    await configure({ credsStore: 'odd' });
    await writeFile(file, '#!/bin/sh\necho the keychain is locked; exit 1\n', { mode: 0o755 });
    expect((await fsb('pull r.io/a')).stderr).toContain(
      'docker-credential-odd get failed: the keychain is locked',
    );
    await writeFile(file, '#!/bin/sh\necho secret\n');
    const { code, stderr } = await fsb('pull r.io/a');
    expect([code, stderr]).toEqual([7, expect.stringContaining('not what docker asks')]);
    expect(stderr).not.toContain('secret');
  });
});

describe('logout', () => {
  it('forgets every spelling of the registry, and nothing else', async () => {
    await configure({ auths: { 'r.io': {}, 'https://r.io/v2/': {}, 'other.io': { auth: 'eDp5' } }, x: 1 });
    expect(await fsb('logout r.io', { core: undefined })).toEqual({
      ...{ code: 0, stdout: 'Removing login credentials for r.io\n', stderr: '' },
    });
    expect(await content()).toEqual({ auths: { 'other.io': { auth: 'eDp5' } }, x: 1 });
  });

  it('says that nobody was logged in', async () => {
    expect((await fsb('logout')).stdout).toBe('Not logged in to docker.io\n');
    expect(await readdir(join(home, '.docker'))).toEqual([]);
    expect(JSON.parse((await fsb('logout r.io -o json')).stdout)).toEqual({
      registry: 'r.io',
      removed: false,
    });
  });
});
