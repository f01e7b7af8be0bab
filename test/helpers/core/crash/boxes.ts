import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../../../../src/core/model/sandbox/spec.ts';
import { request, said } from './sessions.ts';

export const box = { namespace: 'default', name: 'box' };

/** Writes a line into its log, then sleeps. */
export const RUNNING = 'echo begun; exec sleep 1000';

export const make = (
  api: CoreApi,
  script: string,
  more: Partial<SandboxSpecInput> = {},
  name = box.name,
): Promise<Sandbox> =>
  api.sandboxes.create({
    ...{ namespace: 'default', name },
    spec: { image: 'host', command: ['sh', '-c', script], grace_period: '0.1s', ...more },
  });

/** Before what a command does only when go() says so. */
export const WAIT = 'mkfifo /go; echo begun; read _ < /go;';

export const go = async ({ sandboxes }: CoreApi): Promise<void> => {
  expect((await said(await sandboxes.exec(box, request('sh', '-c', 'echo > /go')))).code).toBe(0);
};

/** A sandbox that runs, has written what RUNNING writes, and has a file that its command would not write again. */
export async function makeRunning(
  api: CoreApi,
  more: Partial<SandboxSpecInput> = {},
  script = RUNNING,
): Promise<Sandbox> {
  const made = await make(api, script, more);
  for await (const { data } of api.sandboxes.logs(box, { ...wholeLog, follow: true }))
    if (data.toString().includes('begun')) break;
  const written = await said(await api.sandboxes.exec(box, request('sh', '-c', 'echo kept > /kept')));
  expect(written.code).toBe(0);
  return made;
}

export async function logOf(api: CoreApi, of: { namespace: string; name: string } = box): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { data } of api.sandboxes.logs(of, wholeLog)) pieces.push(data);
  return Buffer.concat(pieces).toString();
}

/** The sandbox; undefined when there is none. */
export const find = async (api: CoreApi, name = box.name): Promise<Sandbox | undefined> =>
  (await api.sandboxes.list({})).find((one) => one.name === name);

export async function answers(api: CoreApi, sandbox: Sandbox): Promise<void> {
  const session = await api.sandboxes.exec(sandbox, request('echo', 'alive')).catch((error: Error) => error);
  // It may just have ended by itself.
  if (session instanceof Error) {
    expect((await api.sandboxes.get(sandbox)).state.phase).not.toBe('Running');
    return;
  }
  expect(await said(session)).toEqual({ text: 'alive\n', code: 0 });
}

/** Nothing is kept warm: what boots is what the operation boots. */
export const COLD = { pool: { warm: [], capacity: { max: 3 } } };

/** Started again, what makeRunning() made goes on: with the file, and with the log of the generations before. */
export async function expectGoesOn(api: CoreApi): Promise<void> {
  await api.sandboxes.start(box);
  await expectKept(api);
  let log = '';
  const followed = { ...wholeLog, follow: true };
  for await (const { data } of api.sandboxes.logs(box, followed, { signal: AbortSignal.timeout(20_000) })) {
    log += data;
    if (log.length >= 12) break;
  }
  expect(log).toBe('begun\nbegun\n');
}

/** What makeRunning() wrote is there. */
export async function expectKept(api: CoreApi): Promise<void> {
  const session = await api.sandboxes.exec(box, request('cat', '/kept'));
  expect(await said(session)).toEqual({ text: 'kept\n', code: 0 });
}

export const removeSetAside = async (api: CoreApi): Promise<void> => {
  await api.system.removeSetAside();
};
