import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientSecurity } from '../../../../src/cli/endpoints/credentials.ts';
import { generateToken, securityFrom } from '../../../../src/cli/local/flags/security-flags.ts';
import { childEnvironment } from '../../../../src/cli/terminal/child-environment.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'fsb-flags-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

describe('the flags of a server', () => {
  const from = (flags: object, env = {}) => securityFrom(flags, { env, cwd }, '/etc/fsb/token');

  it('become absolute paths, and nothing when there are none', () => {
    expect(from({})).toBeUndefined();
    expect(from({ 'generate-token': true })).toEqual({ tokenFile: '/etc/fsb/token' });
    expect(from({ 'tls-cert': 'a', 'tls-key': '/b', 'client-ca': 'c' }, { FSB_TOKEN: 't' })).toEqual({
      tls: { cert: join(cwd, 'a'), key: '/b', clientCa: join(cwd, 'c') },
      token: 't',
    });
  });

  it.each([
    [{ 'tls-cert': 'a' }, 'needs its key'],
    [{ 'client-ca': 'a' }, 'over TLS'],
    [{ 'generate-token': true, 'token-file': 'a' }, 'contradict'],
  ])('refuse %j', (flags, message) => expect(() => from(flags)).toThrow(message));

  it('make a token that nobody else can read, once', () => {
    const path = join(cwd, 'new/token');
    generateToken(path).forgetUnused();
    expect(existsSync(path)).toBe(false);
    const made = generateToken(path);
    expect(made.used()).toBe(`The token is in ${path}. Bring that file to who may call.`);
    made.forgetUnused();
    const token = readFileSync(path, 'utf8');
    expect(token).toMatch(/^[\w-]{43}\n$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = generateToken(path);
    again.forgetUnused();
    expect(again.used()).toContain(`${path}, as before`);
    expect(readFileSync(path, 'utf8')).toBe(token);
  });
});

describe('what a client has', () => {
  const files = (): { ca: string; token_file: string } => {
    writeFileSync(join(cwd, 'ca'), 'ca of the context');
    writeFileSync(join(cwd, 'token'), 'token-of-the-context\n');
    writeFileSync(join(cwd, 'other'), 'other');
    return { ca: join(cwd, 'ca'), token_file: join(cwd, 'token') };
  };

  const { signal } = new AbortController();

  it('is that of the environment, else of the context', async () => {
    const of = (env: Record<string, string>) => clientSecurity('tls', files(), { env, cwd }, signal);
    expect(await of({})).toEqual({
      token: 'token-of-the-context',
      tls: { ca: Buffer.from('ca of the context') },
    });
    expect((await of({ FSB_TOKEN_FILE: 'other' })).token).toBe('other');
    expect((await of({ FSB_TOKEN_FILE: 'other', FSB_TOKEN: 'first' })).token).toBe('first');
    expect((await of({ FSB_CA: 'other' })).tls?.ca?.toString()).toBe('other');
    expect(await clientSecurity('tcp', {}, { env: { FSB_TOKEN: 'a' }, cwd }, signal)).toEqual({ token: 'a' });
    expect(await clientSecurity('tls', { server_name: 'x' }, { env: {}, cwd }, signal)).toEqual({
      tls: { serverName: 'x' },
    });
  });

  it('is told without a word of what is in the files', async () => {
    writeFileSync(join(cwd, 'lines'), 'one secret\nand another');
    const call = () => clientSecurity('tls', {}, { env: { FSB_TOKEN_FILE: 'lines' }, cwd }, signal);
    await expect(call()).rejects.toThrow(/no token in .*lines \(named by FSB_TOKEN_FILE\)$/);
  });

  it('is no sandbox that is not there where a file of it is missing', async () => {
    const of = clientSecurity('tls', {}, { env: { FSB_CA: 'gone' }, cwd }, signal);
    await expect(of).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `cannot read ${join(cwd, 'gone')} (named by FSB_CA): there is no such file`,
      hint: `See what there is with: ls -a ${cwd}`,
    });
  });

  it('may come through a pipe, which nobody may ever write to', async () => {
    execFileSync('mkfifo', [join(cwd, 'pipe')]);
    const call = (until: AbortSignal) =>
      clientSecurity('tcp', {}, { env: { FSB_TOKEN_FILE: 'pipe' }, cwd }, until);
    const patience = new AbortController();
    const waiting = call(patience.signal);
    patience.abort(new FsbError('timeout', 'not done within 1s'));
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
    const read = call(signal);
    await writeFile(join(cwd, 'pipe'), 'piped\n');
    expect(await read).toEqual({ token: 'piped' });
  });

  it('stays with us', () => {
    expect(childEnvironment({ FSB_TOKEN: 'a', HOME: '/h' })).toEqual({ HOME: '/h' });
  });
});
