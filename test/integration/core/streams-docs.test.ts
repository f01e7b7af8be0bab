import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { corePaths } from '../../../src/core/model/paths.ts';
import { type BreakingProxy, breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type RealCore, repository, startRealCore } from '../../helpers/core/real-core.ts';

/** The clients of docs/streams.md, as they stand there, with a real core. */

const run = promisify(execFile);
const page = readFileSync(join(repository, 'docs/streams.md'), 'utf8');
const BASE = '127.0.0.1:5758';
/** Beside the packages, which they import. */
const directory = join(repository, `node_modules/.cache/fsb-streams-docs-${process.pid}`);
const box = { namespace: 'default', name: 'box' };

let core: RealCore;
let proxy: BreakingProxy | undefined;

beforeAll(async () => {
  core = await startRealCore();
  await mkdir(directory, { recursive: true });
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  await core.close();
});
afterEach(async () => {
  await core.remote.sandboxes.delete(box, { grace: 0 });
  await proxy?.close();
});

const create = (command: string[]) =>
  core.remote.sandboxes.create({ ...box, spec: { image: 'host', command } });

/** Runs the client of this name; its connections break after so many bytes each. */
async function client(name: string, cuts: number[]): Promise<{ stdout: string; code: number }> {
  const [, text] = new RegExp(`\`\`\`js\n(// ${name}:.*?)\`\`\``, 's').exec(page)!;
  proxy = await breakingProxy(`unix://${corePaths({ FSB_ROOT: core.root }, 0).httpSocket}`, cuts);
  const file = join(directory, name);
  await writeFile(file, text!.replaceAll(BASE, proxy.address));
  return run(process.execPath, [file], { maxBuffer: 2 ** 26 }).then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; code: number }) => ({ stdout: error.stdout, code: error.code }),
  );
}

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('');

it('a log is followed to its end over broken connections', async () => {
  await create(['sh', '-c', 'seq 20000; sleep 1; echo last']);
  expect(await client('follow.mjs', [5_000, 30_000, 60_000])).toEqual({
    stdout: `${lines(20_000)}last\n`,
    code: 0,
  });
  expect(proxy!.broken()).toBe(3);
});

it('a command goes on over broken connections, with its input and its code', async () => {
  await create(['sleep', '1000']);
  expect(await client('exec.mjs', [500, 30_000, 60_000])).toEqual({
    stdout: `hello\n${lines(20_000)}`,
    code: 3,
  });
  expect(proxy!.broken()).toBe(3);
});

it('a request goes to a port in the sandbox', async () => {
  await create(['python3', '-m', 'http.server', '8080', '--directory', '/etc/alternatives']);
  let answer = await client('forward.mjs', []);
  // The server needs a moment to listen.
  for (let tries = 0; answer.code !== 0 && tries < 100; tries++) {
    await proxy!.close();
    answer = await client('forward.mjs', []);
  }
  expect(answer).toEqual({ stdout: expect.stringContaining('200 OK'), code: 0 });
});

it('curl reads a log, and follows it to its end', async () => {
  const [, command] = /```sh\n(curl .*?)\n```/s.exec(page)!;
  const here = command!.replaceAll(`http://${BASE}`, core.running.status.http);
  await create([
    'sh',
    '-c',
    'echo one; echo two; echo three; until [ -e /go ]; do sleep 0.05; done; echo four',
  ]);
  const everything = { follow: true, stdout: true, stderr: true };
  let log = '';
  for await (const { data } of core.remote.sandboxes.logs(box, everything)) {
    log += data;
    if (log.includes('three')) break;
  }
  const reading = run('sh', ['-c', here]);
  await once(reading.child.stdout!, 'data');
  const touch = { argv: ['touch', '/go'], env: {}, cwd: '', user: '', tty: false, stdin: false };
  await using session = await core.remote.sandboxes.exec(box, touch);
  await session.exited;
  expect((await reading).stdout).toBe('two\nthree\nfour\n');
});
