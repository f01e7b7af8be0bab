import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Attach, Exec, KubeConfig, Log, PortForward, type V1Status } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { settler } from '../../../src/core/client/settler.ts';
import { type PodPaths, podPaths } from '../../helpers/core/pod-paths.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

/** The client library of Kubernetes, as it is, with real sandboxes. */

let core: RealCore;
let pods: PodPaths;
const config = new KubeConfig();

beforeAll(async () => {
  core = await startRealCore();
  pods = await podPaths(core.running.status.http.replace('http://', ''));
  config.loadFromClusterAndUser({ name: 'core', server: pods.url, skipTLSVerify: true }, { name: 'nobody' });
});
afterAll(async () => {
  await pods.close();
  await core.close();
});
beforeEach(() => create('box', ['sleep', '1000']));
afterEach(async () => {
  for (const sandbox of await core.remote.sandboxes.list({}))
    await core.remote.sandboxes.delete(sandbox, { grace: 0 });
});

const create = (name: string, command: string[], more: object = {}) =>
  core.remote.sandboxes.create({ namespace: 'default', name, spec: { image: 'host', command, ...more } });

interface Run {
  stdout: PassThrough;
  stderr: PassThrough;
  status: Promise<V1Status>;
}

async function exec(script: string, stdin: Readable | null = null, tty = false): Promise<Run> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const ended = settler<V1Status>();
  const command = ['sh', '-c', script];
  await new Exec(config).exec('default', 'box', 'box', command, stdout, stderr, stdin, tty, ended.resolve);
  return { stdout, stderr, status: ended.promise };
}

it('runs a command, with input and its end', async () => {
  const stdin = new PassThrough();
  const { stdout, stderr, status } = await exec('wc -c; echo err >&2; exit 7', stdin);
  const sent = Buffer.alloc(1_000_000, 'x');
  for (let at = 0; at < sent.length; at += 50_000) stdin.write(sent.subarray(at, at + 50_000));
  stdin.end();
  expect(await Promise.all([text(stdout), text(stderr)])).toEqual(['1000000\n', 'err\n']);
  expect(await status).toMatchObject({
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '7' }] },
  });
});

it('is told that there is no such sandbox or command', async () => {
  const { status } = await exec('exit 0');
  expect(await status).toMatchObject({ status: 'Success' });
  const missing = settler<V1Status>();
  const [out, err] = [new PassThrough(), new PassThrough()];
  await new Exec(config).exec('default', 'box', 'box', 'no-such', out, err, null, false, missing.resolve);
  expect(await missing.promise).toMatchObject({
    status: 'Failure',
    message: expect.stringContaining('no-such'),
  });
});

it('sets the size of a terminal', async () => {
  const stdout = Object.assign(new PassThrough(), { rows: 43, columns: 132 });
  const ended = settler<V1Status>();
  const script = 'until stty size | grep "43 132"; do sleep 0.02; done';
  await new Exec(config).exec(
    'default',
    'box',
    'box',
    ['sh', '-c', script],
    stdout,
    null,
    null,
    true,
    ended.resolve,
  );
  expect(await ended.promise).toMatchObject({ status: 'Success' });
});

it('wants only one of the outputs', async () => {
  const stdout = new PassThrough();
  const ended = settler<V1Status>();
  const command = ['sh', '-c', 'echo out; echo err >&2'];
  await new Exec(config).exec('default', 'box', 'box', command, stdout, null, null, false, ended.resolve);
  expect(await text(stdout)).toBe('out\n');
  await ended.promise;
});

it('attaches', async () => {
  await create('cat', ['cat'], { stdin: true });
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const ws = await new Attach(config).attach(
    'default',
    'cat',
    'cat',
    stdout,
    new PassThrough(),
    stdin,
    false,
  );
  stdin.write('hello');
  expect(String((await once(stdout, 'data'))[0])).toBe('hello');
  ws.close();
});

it('reads a log, and follows one to its end', async () => {
  await create('job', ['sh', '-c', 'echo one; echo two; sleep 0.3; echo three']);
  const read = async (options: object): Promise<string> => {
    const stream = new PassThrough();
    await new Log(config).log('default', 'job', 'job', stream, options);
    return text(stream);
  };
  expect(await read({ follow: true })).toBe('one\ntwo\nthree\n');
  expect(await read({ tailLines: 1 })).toBe('three\n');
  expect(await read({ timestamps: true })).toMatch(/^(\d{4}-[\dT:.-]+Z \w+\n){3}$/);
  await expect(
    new Log(config).log('default', 'nobody', 'nobody', new PassThrough(), {}),
  ).rejects.toMatchObject({ code: 404 });
});

it('forwards a port', async () => {
  const script = `
import socket
listener = socket.create_server(('127.0.0.1', 7))
print('ready', flush=True)
one = listener.accept()[0]
size = 0
while size < 1000000: size += len(one.recv(65536))
one.sendall(b'thank you')
one.close()
`;
  await create('server', ['python3', '-c', script]);
  for await (const _ of core.remote.sandboxes.logs(
    { namespace: 'default', name: 'server' },
    { follow: true, stdout: true, stderr: true },
  ))
    break;
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const ws = await new PortForward(config).portForward('default', 'server', [7], output, errors, input);
  if (typeof ws === 'function') throw new Error('no connection');
  for (let i = 0; i < 20; i++) input.write(Buffer.alloc(50_000, i));
  await new Promise((resolve) => ws.addEventListener('close', resolve));
  output.end();
  errors.end();
  expect(await Promise.all([text(output), text(errors)])).toEqual(['thank you', '']);
});
