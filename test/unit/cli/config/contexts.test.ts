import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectCore } from '../../../../src/core/client/connect-core.ts';
import { type CommandLineOptions, runCommandLine } from '../../../helpers/cli/command-line.ts';
import { Authority } from '../../../helpers/core/certificates.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsb-contexts-'));
});

afterEach(() => rm(home, { recursive: true }));

const fsb = (line: string, { env, ...options }: CommandLineOptions = {}) =>
  runCommandLine(line.split(' '), { cwd: home, env: { HOME: home, FSB_ROOT: '/r', ...env }, ...options });
const names = async (env = {}): Promise<string> =>
  (await fsb('context list', { env })).stdout
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(/ {2,}/)[0])
    .join(',');

describe('contexts', () => {
  it('are created, listed, used, changed, shown and removed', async () => {
    expect(await fsb('context create build --host ssh://me@build --description Nightly')).toEqual({
      code: 0,
      stdout: 'build\n',
      stderr: '',
    });
    expect(await names()).toBe('default *,build');
    expect(await fsb('context use build')).toEqual({ code: 0, stdout: 'build\n', stderr: '' });
    expect(await names()).toBe('default,build *');
    expect((await fsb('context update build -n there')).code).toBe(0);
    expect((await fsb('context show')).stdout).toBe(
      'Name:         build\nCurrent:      yes\nDescription:  Nightly\nEndpoint:     ssh://me@build\nNamespace:    there\n',
    );
    expect((await fsb('context show -q')).stdout).toBe('build\n');
    expect(JSON.parse((await fsb('context show default -o json')).stdout)).toEqual({
      ...{ name: 'default', current: false, endpoint: 'unix:///r/run/fsb.sock' },
      ...{ description: 'The core of this machine', namespace: null, tls: null, error: '' },
    });
    expect(await fsb('context rm build')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('context build is in use'),
    });
    expect((await fsb('context rm -f build gone')).stdout).toBe('build\n');
    expect(await names()).toBe('default *');
  });

  it('lie in files of the user alone', async () => {
    await fsb('context create build --host tcp://build:1');
    const file = join(home, '.fsb/contexts/build.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ endpoint: 'tcp://build:1' });
    expect(await readdir(join(home, '.fsb/contexts'))).toEqual(['build.json']);
  });

  it.each([
    ['create build', 2, 'no endpoint was given'],
    ['create build --host nowhere', 2, 'invalid endpoint "nowhere"'],
    ['create ../x --host tcp://a', 2, 'invalid context name "../x"'],
    [
      'create default --host tcp://a',
      4,
      'context default exists already\nHint: Choose another name: that one is the',
    ],
    ['create there --host tcp://a', 4, 'context there exists already'],
    ['create x --host tcp://a --ca /nowhere.pem', 3, 'cannot read /nowhere.pem: there is no such file'],
    ['update there --token-file /none', 3, 'Hint: See what there is with: ls -a /'],
    ['create x --host tcp://a --ca /etc/hostname', 2, 'reached without TLS files'],
    ['create x --host tls://a --key /etc/hostname', 2, 'a certificate needs its key'],
    ['update default --host tcp://a', 2, 'cannot be changed'],
    ['update tls --host unix:///x', 2, "Take away what it has with: --ca '' --server-name ''"],
    ['update thre --host tcp://a', 3, 'Did you mean there?'],
    ['use ../there', 3, 'context ../there does not exist'],
    ['use ', 3, 'context "" does not exist'],
    ['show thre', 3, 'Did you mean there?'],
    ['remove default', 4, 'cannot be removed'],
    ['remove nope', 3, 'context nope does not exist'],
  ])('%s exits with %i', async (line, code, message) => {
    await fsb('context create there --host tcp://there:1');
    await fsb('context create tls --host tls://a --ca /etc/hostname --server-name b');
    const outcome = await fsb(`context ${line}`);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });

  it('carry the files of TLS, which is not here yet', async () => {
    await writeFile(join(home, 'ca.pem'), 'x');
    await fsb('context create far --host tls://far --ca ca.pem --token-file ca.pem');
    expect((await fsb('context show far')).stdout).toContain(`CA:          ${join(home, 'ca.pem')}\n`);
    await fsb('context update far --token-file=');
    const file = join(home, '.fsb/contexts/far.json');
    expect(JSON.parse(await readFile(file, 'utf8')).tls).toEqual({ ca: join(home, 'ca.pem') });
  });

  it.each(['"x"', '5', '[]', 'null'])('say which files of TLS, and not %s', async (tls) => {
    await mkdir(join(home, '.fsb/contexts'), { recursive: true });
    await writeFile(join(home, '.fsb/contexts/far.json'), `{"endpoint": "tls://far", "tls": ${tls}}`);
    expect(await fsb('context show far')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('tls in'),
    });
  });

  it("that cannot be read or written are nobody's mistake in here", async () => {
    await mkdir(join(home, '.fsb/contexts/odd.json'), { recursive: true });
    const odd = await fsb('context remove odd');
    expect(odd.stderr).toMatch(/^Error: cannot write .*odd.json: .*\nHint: Check who owns it/);
    await rm(join(home, '.fsb/contexts'), { recursive: true });
    await writeFile(join(home, '.fsb/contexts'), '');
    for (const line of ['list', 'create x --host tcp://x', 'use x', 'remove x']) {
      const { stderr } = await fsb(`context ${line}`);
      expect(stderr).toMatch(/^Error: (cannot use .*contexts: ENOTDIR|context x does not exist)/);
      expect(stderr).not.toContain('bug');
    }
  });

  it('that are not what commands use are told', async () => {
    await fsb('context create build --host tcp://build:1');
    const overridden = await fsb('context use build', { env: { FSB_HOST: 'tcp://x' } });
    expect(overridden.stderr).toBe(
      'Warning: FSB_HOST overrides the current context. To use a context, give --context, or unset FSB_HOST.\n',
    );
    expect(await names({ FSB_HOST: 'tcp://x' })).toBe('default,build');
    expect((await fsb('context show', { env: { FSB_HOST: 'tcp://x' } })).code).toBe(3);
    const other = await fsb('context list', { env: { FSB_CONTEXT: 'default' } });
    expect(other.stderr).toContain('FSB_CONTEXT says the context is default');
    await mkdir(join(home, 'p/.fsb'), { recursive: true });
    await writeFile(join(home, 'p/.fsb/config.json'), '{"context": "default"}');
    const project = await fsb('context list', { cwd: join(home, 'p') });
    expect(project.stderr).toContain(`${home}/p/.fsb/config.json says the context is default`);
  });

  it('whose authority is not trusted are named by what mends that', async () => {
    using authority = new Authority();
    const { cert, key } = authority.issue();
    const server = createServer({ cert: await readFile(cert), key: await readFile(key) }).listen(
      0,
      '127.0.0.1',
    );
    try {
      await once(server, 'listening');
      const endpoint = `tls://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await using core = connectCore({ grpc: endpoint.replace('tls://', ''), security: { tls: {} } });
      await fsb(`context create far --host ${endpoint}`);
      const named = await fsb('list --context far', { core });
      expect([named.code, named.stderr]).toEqual([
        6,
        expect.stringContaining('for good: fsb-ctl context update far --ca FILE.\n'),
      ]);
      expect((await fsb(`list --host ${endpoint}`, { core })).stderr).toContain(
        'context update NAME --ca FILE.\n',
      );
    } finally {
      server.close();
    }
  });

  it('use takes an endpoint out of the way', async () => {
    await fsb('config set endpoint tcp://a:1');
    expect((await fsb('context list')).stderr).toContain('no context is current');
    await fsb('context use default');
    expect(await readFile(join(home, '.fsb/config.json'), 'utf8')).toBe('{}\n');
  });

  it('whose files are broken are listed, and can be removed', async () => {
    await fsb('context create build --host tcp://build:1');
    await writeFile(join(home, '.fsb/contexts/build.json'), '{"endpiont": "tcp://a"}');
    const { code, stdout } = await fsb('context list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NAME +DESCRIPTION +ENDPOINT +ERROR\n[\s\S]*unknown key "endpiont" in /);
    expect((await fsb('list --context build')).stderr).toContain('Did you mean endpoint?');
    expect((await fsb('context rm build')).code).toBe(0);
  });

  it('that are current and gone are told', async () => {
    await fsb('context create build --host tcp://build:1');
    await fsb('context use build');
    await rm(join(home, '.fsb/contexts/build.json'));
    expect((await fsb('context list')).stderr).toContain('the current context build does not exist');
    expect((await fsb('list')).code).toBe(3);
    expect((await fsb('context use default')).code).toBe(0);
  });
});
