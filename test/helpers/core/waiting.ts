import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import type { RealCore } from './real-core.ts';

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until it is so; a test has a limit of its own. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

/** The instance directories of the core: what a sandbox has on the node while it has anything. */
export const instances = (core: RealCore): Promise<string[]> => readdir(join(core.root, 'run/i'));

/** Waits until the log of a sandbox has a text. @throws Error when it ends without */
export async function logged(
  { core }: { core: Pick<CoreApi, 'sandboxes'> },
  box: Sandbox,
  text: string,
): Promise<void> {
  const follow = { follow: true, stdout: true, stderr: true };
  let seen = '';
  for await (const { data } of core.sandboxes.logs(box, follow)) {
    seen += data;
    if (seen.includes(text)) return;
  }
  throw new Error(`the log ended without ${text}: ${seen}`);
}
