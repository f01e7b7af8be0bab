import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { request, said } from './crash/sessions.ts';
import { firstProcesses } from './first-processes.ts';

/** The id of the instance that a running sandbox has: its host name is the beginning of it. */
export async function instanceOf({ sandboxes }: CoreApi, root: string, box: SandboxRef): Promise<string> {
  const { namespace, name } = box;
  const session = await sandboxes.exec({ namespace, name }, request('cat', '/proc/sys/kernel/hostname'));
  const { text } = await said(session);
  const id = [...(await firstProcesses(root)).keys()].find((one) => one.startsWith(text.trim()));
  if (!id) throw new Error(`there is no instance ${text}`);
  return id;
}

/** PID 1 of a running sandbox, as this machine numbers it. */
export const firstProcessOf = async (core: CoreApi, root: string, box: SandboxRef): Promise<number> =>
  (await firstProcesses(root)).get(await instanceOf(core, root, box))!;

/** Kills PID 1 of a running sandbox from outside; resolves when the core knows that it is lost. */
export async function lose(core: CoreApi, root: string, box: SandboxRef): Promise<void> {
  const pid = await firstProcessOf(core, root, box);
  const ended = core.sandboxes.wait(box).catch(() => {});
  process.kill(pid, 'SIGKILL');
  await ended;
}
