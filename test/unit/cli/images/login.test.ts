import { spawnSync } from 'node:child_process';
import { chmod, chown, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCommandLine } from '../../../helpers/cli/command-line.ts';
import { base64, type DockerHome, HUB, makeDockerHome } from '../../../helpers/cli/docker-home.ts';

let user: DockerHome;

beforeEach(async () => {
  user = await makeDockerHome();
});

afterEach(() => user.close());

describe('login', () => {
  it('keeps what the registry takes as docker does, for its owner alone', async () => {
    await user.configure(
      '{\n\t"auths": {"other": {"auth": "eDp5"}},\n\t"psFormat": "x",\n\t"proxies": {"a": 1}\n}',
    );
    const { code, stdout, stderr } = await user.login('registry.example.com');
    expect([code, stdout]).toEqual([0, 'Login Succeeded\n']);
    expect(stderr).toContain(`WARNING! Your credentials are stored unencrypted in '${user.config}'.`);
    expect(user.logins).toEqual([
      { registry: 'registry.example.com', credentials: { username: 'me', password: 'secret' } },
    ]);
    expect(await readFile(user.config, 'utf8')).toBe(
      JSON.stringify(
        {
          auths: { other: { auth: 'eDp5' }, 'registry.example.com': { auth: base64('me:secret') } },
          ...{ psFormat: 'x', proxies: { a: 1 } },
        },
        null,
        '\t',
      ),
    );
    expect(await readdir(join(user.home, '.docker'))).toEqual(['config.json']);
    expect(stdout + stderr).not.toContain('secret');
  });

  it('leaves a file its mode and owner', async () => {
    await user.configure({});
    await chmod(user.config, 0o640);
    await chown(user.config, 1234, 2345);
    await user.login('r.io');
    const { mode, uid, gid } = await stat(user.config);
    expect([mode & 0o777, uid, gid]).toEqual([0o640, 1234, 2345]);
  });

  it('forgets nothing of another login at the same time', async () => {
    const hosts = Array.from({ length: 8 }, (_, at) => `r${at}.io`);
    const results = await Promise.all(hosts.map((host) => user.login(host)));
    expect(results.map(({ code }) => code)).toEqual(hosts.map(() => 0));
    expect(Object.keys((await user.content()).auths).sort()).toEqual(hosts);
    expect(await readdir(join(user.home, '.docker'))).toEqual(['config.json']);
  });

  it('goes over the lock of a command that was killed, and ends while another one holds it', async () => {
    const dead = spawnSync('true').pid;
    await writeFile(`${user.config}.lock`, `${hostname()} ${dead} 0\n`);
    expect((await user.login('r.io')).code).toBe(0);
    await writeFile(`${user.config}.lock`, `${hostname()} ${process.pid} 0\n`);
    const line = startCommandLine(['logout', 'r.io', '--timeout', '100ms'], { env: user.env });
    expect(await line.code).not.toBe(0);
    expect(Object.keys((await user.content()).auths)).toEqual(['r.io']);
  });

  it('writes where a link points to, also when nothing is there yet', async () => {
    await symlink('../dotfile.json', user.config);
    await user.login('r.io');
    expect(await readlink(user.config)).toBe('../dotfile.json');
    expect(Object.keys((await user.content()).auths)).toEqual(['r.io']);
    expect((await stat(user.config)).mode & 0o777).toBe(0o600);
  });

  it('takes null for nothing, and keeps what it does not know as it is', async () => {
    await user.configure('{"z": 1, "auths": null, "credHelpers": null, "credsStore": null, "a": [null]}');
    expect((await user.login('r.io')).code).toBe(0);
    const auths = { 'r.io': { auth: base64('me:secret') } };
    expect(await readFile(user.config, 'utf8')).toBe(
      JSON.stringify({ z: 1, auths, credHelpers: null, credsStore: null, a: [null] }, null, '\t'),
    );
  });

  it('keeps a token instead of the password, and Docker Hub under its old name', async () => {
    user.token = 't0k';
    await rm(join(user.home, '.docker'), { recursive: true });
    expect((await user.login('')).code).toBe(0);
    expect(await user.content()).toEqual({ auths: { [HUB]: { auth: base64('me:'), identitytoken: 't0k' } } });
    expect(await user.pulledWith('alpine')).toEqual({ username: 'me', identityToken: 't0k' });
    expect((await stat(join(user.home, '.docker'))).mode & 0o777).toBe(0o700);
  });

  it('keeps nothing when the registry does not take it', async () => {
    const { code, stdout, stderr } = await user.login('r.io', 'wrong');
    expect([code, stdout]).toEqual([7, '']);
    expect(stderr).toContain('r.io does not know these credentials');
    expect(await readdir(join(user.home, '.docker'))).toEqual([]);
  });

  it('warns of -p', async () => {
    const { code, stderr } = await user.fsb('login r.io -u me -p secret');
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
    const { code, stderr } = await user.fsb(line, { core: undefined });
    expect([code, stderr]).toEqual([2, expect.stringContaining(part)]);
  });

  it.each([
    ['xterm', '\r'],
    ['dumb', '\n'],
  ])('asks on a terminal, TERM=%s, and shows nothing of the password', async (TERM, end) => {
    const env = { ...user.env, TERM };
    const line = startCommandLine(['login', 'r.io'], { core: user.core, env, tty: true });
    await line.stderr.until('Username:');
    line.stdin.write(`me${end}`);
    await line.stderr.until('Password:');
    line.stdin.write('secret\r');
    expect([await line.code, line.stdout.text]).toEqual([0, 'Login Succeeded\n']);
    expect(line.stderr.text).not.toContain('secret');
    expect(user.logins[0]?.credentials).toEqual({ username: 'me', password: 'secret' });
  });

  it('reads no password from a terminal, and waits for none longer than it may', async () => {
    const argv = ['login', 'r.io', '-u', 'me', '--password-stdin'];
    const typed = startCommandLine(argv, { core: user.core, env: user.env, tty: true });
    expect([await typed.code, typed.stderr.text]).toEqual([2, expect.stringContaining('is a terminal')]);
    const slow = startCommandLine([...argv, '--timeout', '50ms'], { core: user.core, env: user.env });
    expect(await slow.code).toBe(124);
    const interrupted = startCommandLine(['run', 'box', '-f', '-'], { core: user.core, env: user.env });
    await new Promise<void>((resolve) =>
      interrupted.stdin.on('newListener', (name) => name === 'readable' && resolve()),
    );
    interrupted.events.emit('SIGINT');
    expect(await interrupted.code).toBe(130);
  });

  it('tries first what is kept', async () => {
    await user.login('r.io');
    const again = await user.fsb('login r.io');
    expect([again.code, user.logins.length]).toEqual([0, 2]);
    expect(again.stderr).toContain('Authenticating with existing credentials...');
    await user.configure({ auths: { 'r.io': { auth: base64('me:wrong') } } });
    expect((await user.fsb('login r.io')).stderr).toMatch(/Login did not succeed: .*\nError: .*no terminal/);
  });

  it('keeps a token that stands alone as it is', async () => {
    await user.configure({ auths: { 'r.io': { identitytoken: 'i' } } });
    expect((await user.fsb('login r.io')).code).toBe(0);
    expect(await user.content()).toEqual({ auths: { 'r.io': { identitytoken: 'i' } } });
  });

  it('prints who is logged in where with -o json', async () => {
    const { stdout, stderr } = await user.login('r.io -o json');
    expect([JSON.parse(stdout), stderr]).toEqual([{ registry: 'r.io', username: 'me' }, '']);
  });
});

describe('logout', () => {
  it('forgets every spelling of the registry, and nothing else', async () => {
    await user.configure({
      auths: { 'r.io': {}, 'https://r.io/v2/': {}, 'other.io': { auth: 'eDp5' } },
      x: 1,
    });
    expect(await user.fsb('logout r.io', { core: undefined })).toEqual({
      ...{ code: 0, stdout: 'Removing login credentials for r.io\n', stderr: '' },
    });
    expect(await user.content()).toEqual({ auths: { 'other.io': { auth: 'eDp5' } }, x: 1 });
  });

  it('says that nobody was logged in', async () => {
    expect((await user.fsb('logout')).stdout).toBe('Not logged in to docker.io\n');
    expect(await readdir(join(user.home, '.docker'))).toEqual([]);
    expect(JSON.parse((await user.fsb('logout r.io -o json')).stdout)).toEqual({
      registry: 'r.io',
      removed: false,
    });
  });
});
