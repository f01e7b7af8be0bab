import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { Authority } from '../helpers/core/certificates.ts';

/** The real binary against a real core behind TLS. */

let shell: Shell;
let authority: Authority;
let token: string;
let address: string;

beforeAll(async () => {
  shell = await makeShell();
  authority = new Authority();
  const { cert, key } = authority.issue();
  const core = `fsb-ctl daemon start --grpc 127.0.0.1:0 --http 127.0.0.1:0 --metrics off --warm host=1`;
  await shell.run('fsb-ctl daemon stop');
  await shell.succeed(`${core} --tls-cert ${cert} --tls-key ${key} --generate-token`);
  const status = JSON.parse(await shell.succeed('fsb-ctl daemon status -o json')) as { grpc: string };
  address = status.grpc;
  token = join(shell.cli.root, 'token');
});

afterAll(async () => {
  await shell.cli.close();
  authority[Symbol.dispose]();
});

const far = (rest: string, env = `FSB_CA=${authority.ca} FSB_TOKEN_FILE=${token}`) =>
  shell.run(`${env} fsb-ctl --host ${address} ${rest}`);

it('runs, executes, copies and deletes over TLS, with a context', async () => {
  const flags = `--host ${address} --ca ${authority.ca} --token-file ${token}`;
  await shell.succeed(`fsb-ctl context create far ${flags}`);
  const line = (rest: string) => shell.succeed(`fsb-ctl --context far ${rest}`);
  await line('run box -d --image host -- sleep 1000');
  expect(await line('exec box -- echo hi')).toBe('hi\n');
  await line('cp box:/etc/hostname here');
  expect(await line('delete box')).toBe('box\n');
  const shown = (await line('context show far -o json')) + (await line('config list'));
  expect(shown).not.toContain((await readFile(token, 'utf8')).trim());
});

it.each([
  ['list', 'FSB_TOKEN_FILE=/dev/null', 2, 'no token in /dev/null'],
  ['list', '', 6, 'not trusted here'],
  ['exec x -- true', '', 6, 'not trusted here'],
  ['list', 'CA', 7, 'no token was sent'],
  ['list', 'CA FSB_TOKEN=nobody-has-this-token', 7, 'does not know this token'],
])('%s with %j ends with %i: %s', async (line, env, code, message) => {
  const { stderr, ...rest } = await far(line, env.replace('CA', `FSB_CA=${authority.ca}`));
  expect(rest.code).toBe(code);
  expect(stderr).toContain(message);
  expect(stderr).toContain('Hint: ');
  expect(stderr).not.toContain('nobody-has-this-token');
});

it('keeps FSB_TOKEN from the programs that it starts', async () => {
  const value = (await readFile(token, 'utf8')).trim();
  await mkdir(join(shell.home, 'bin'), { recursive: true });
  const ssh = join(shell.home, 'bin/ssh');
  await writeFile(ssh, '#!/bin/sh\nenv > "$HOME/seen"\nexit 255\n', { mode: 0o755 });
  const { code } = await shell.run(
    `PATH="$HOME/bin:$PATH" FSB_CA=a FSB_TOKEN=${value} fsb-ctl --host ssh://far list`,
  );
  expect(code).toBe(6);
  const seen = await readFile(join(shell.home, 'seen'), 'utf8');
  expect(seen).toContain('FSB_CA=');
  expect(seen).not.toContain(value);
});
