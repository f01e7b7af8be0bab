import { rm } from 'node:fs/promises';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { type CoreProcess, type CoreProcessOptions, startCoreProcess } from '../core-process.ts';
import { makeRoot } from '../real-core.ts';
import { traces } from '../traces.ts';

/** The cores that follow each other on one root; at the end there is none, and nothing of them, whatever went wrong. */
export class Cores {
  readonly root: string;
  readonly #all: CoreProcess[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  static async open(): Promise<Cores> {
    return new Cores(await makeRoot());
  }

  async start(options: CoreProcessOptions = {}): Promise<CoreProcess> {
    // What is kept is what is said, and for more there is no room, so that nothing boots that no operation wants.
    const { capacity, ...said } = options.pool ?? {};
    const size = { max: 2, buffer_min: 0, buffer_max: 0, ...(capacity as object) };
    const pool = { warm: [{ image: 'host', count: 1 }], ...said, capacity: size };
    const core = await startCoreProcess(this.root, { ...options, pool });
    this.#all.push(core);
    return core;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((core) => core.kill()));
    if ((await traces(this.root)).length > 0) await this.#clear();
    await rm(this.root, { recursive: true, force: true });
  }

  /** A test has failed in the middle: the next core removes what there is. */
  async #clear(): Promise<void> {
    const core = await startCoreProcess(this.root, { pool: { warm: [] } });
    await deleteAll(core.api);
    await core.stop();
  }
}

export async function deleteAll(api: CoreApi): Promise<void> {
  for (const sandbox of await api.sandboxes.list({})) await api.sandboxes.delete(sandbox, { grace: 0 });
  for (const { id } of await api.pools.leases()) await api.pools.release(id);
}
