import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import { finish, readUntil } from '../../contract/workbench.ts';
import { exitedSession } from '../../helpers/cli/exited-session.ts';
import { type BreakingProxy, breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';

/** What becomes of an attached session whose core is gone for a while; where the next one listens, the core tells. */
const box = { namespace: 'default', name: 'box' };

let core: HostCore;
let served: ServedCore;
let proxy: BreakingProxy;
let client: CoreApi;
let away: ReturnType<typeof vi.fn<() => void>>;

beforeEach(async () => {
  core = hostCore();
  const info: CoreApi['system']['info'] = async () => ({
    ...(await core.system.info()),
    http: `http://${proxy.address}`,
  });
  const system = Object.assign(Object.create(core.system), { info });
  served = await serveAndConnect(Object.assign(Object.create(core), { system }), 'tcp');
  proxy = await breakingProxy(served.servers.http[0]!, []);
  away = vi.fn();
  client = connectCore({ grpc: served.servers.grpc[0]!, away });
});

afterEach(async () => {
  await client.close();
  await proxy.close();
  await served.close();
  await core.close();
});

/** Says `up`, and then what it is told to by its signals: `said` for each SIGUSR1, its end for SIGUSR2. */
const script = `trap 'echo said; echo so >&2' USR1; trap 'exit 3' USR2; echo up; while :; do sleep 0.02; done`;

async function joined(): Promise<{ session: ProcessSession; output: AsyncIterator<{ data: Buffer }> }> {
  await core.sandboxes.create({ ...box, spec: { image: 'host', command: ['sh', '-c', script] } });
  const size = { rows: 20, cols: 70 };
  const session = await client.sandboxes.attach(box, { stdin: false, replay: true, size });
  const output = session.output[Symbol.asyncIterator]();
  expect(await readUntil(output as never, 'up\n')).toBe('up\n');
  return { session, output };
}

async function goes(session: ProcessSession): Promise<void> {
  await proxy.close();
  await expect.poll(() => session.isAway).toBe(true);
}

async function comes(): Promise<void> {
  proxy = await breakingProxy(served.servers.http[0]!, []);
}

it('goes on with the next core: no output is missing or doubled, the size is sent again', async () => {
  const { session, output } = await joined();
  const attach = vi.spyOn(core.sandboxes, 'attach');
  expect(session.isAway).toBe(false);
  session.resize({ rows: 21, cols: 71 });
  for (const size of [
    { rows: 21, cols: 71 },
    { rows: 22, cols: 72 },
  ]) {
    await goes(session);
    await core.sandboxes.signal(box, 10);
    if (size.rows === 22) session.resize(size);
    await comes();
    expect(await readUntil(output as never, 'said\n')).toMatch(/^(so\n)*said\n$/);
    await expect.poll(() => session.isAway).toBe(false);
    expect(attach.mock.lastCall).toMatchObject([box, { stdin: false, size }, {}]);
  }
  session.signal(12);
  expect(await session.exited).toMatchObject({ code: 3, signal: null });
  const from = attach.mock.calls.map(([, request]) => request.from?.stdout);
  expect(from).toEqual([3, 8]);
  await session.close();
});

it('tells what is missing where the log has dropped a part, also of a stream that says nothing more', async () => {
  async function* output(): ProcessSession['output'] {
    yield { stream: 'stdout', offset: 0, data: Buffer.from('up\n') };
    yield { stream: 'stderr', offset: 7, data: Buffer.alloc(0) };
    yield { stream: 'stdout', offset: 9, data: Buffer.from('said\n') };
    yield { stream: 'stdout', offset: 20, data: Buffer.alloc(0) };
  }
  const place = { sandboxId: 'a', stdout: 0, stderr: 0, takesInput: false };
  vi.spyOn(core.sandboxes, 'attach').mockResolvedValue({ ...exitedSession('', 0), output: output(), place });
  const { session } = await joined();
  const rest = [];
  for await (const { stream, offset, data } of session.output) rest.push(`${stream} ${offset} ${data}`);
  expect(rest).toEqual(['stderr 7 ', 'stdout 9 ', 'stdout 9 said\n', 'stdout 20 ']);
  await session.close();
});

it('tells once that there is no core, where the next one is not there soon', async () => {
  const { session } = await joined();
  expect(away).not.toHaveBeenCalled();
  await goes(session);
  await expect.poll(() => away.mock.calls.length).toBe(1);
  await comes();
  await expect.poll(() => session.isAway).toBe(false);
  expect(away).toHaveBeenCalledTimes(1);
  await session.close();
});

it('tells how it ended, where that was meanwhile', async () => {
  const { session } = await joined();
  await goes(session);
  await core.sandboxes.signal(box, 12);
  await core.sandboxes.wait(box);
  await comes();
  const { status } = await finish(session);
  expect(status).toMatchObject({ code: 3, signal: null });
});

it('is lost where another one has the name by now, and says so', async () => {
  const { session } = await joined();
  await goes(session);
  await core.sandboxes.delete(box, { grace: 0 });
  await core.sandboxes.create({ ...box, spec: { image: 'host', command: ['sleep', '60'] } });
  await comes();
  await expect(session.exited).rejects.toMatchObject({
    code: 'run_failed',
    message: expect.stringMatching(
      /^lost the process: .*; nor can it go on with the next core: another one is called box now$/,
    ),
    hint: undefined,
  });
  await expect(finish(session)).rejects.toMatchObject({ code: 'run_failed' });
});

it.each([
  ['it', (session: ProcessSession) => session.close()],
  ['its client', () => client.close()],
])('ends at once when %s is closed while there is no core', async (_, close) => {
  const { session } = await joined();
  await goes(session);
  await close(session);
  await expect(session.exited).rejects.toMatchObject({ code: 'cancelled' });
  await expect(finish(session)).rejects.toMatchObject({ code: 'cancelled' });
});
