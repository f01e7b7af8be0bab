import { closeSync, openSync } from 'node:fs';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { ifThere } from '../../../../src/core/client/deed.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { type CoreProcess, type CoreProcessOptions, startCoreProcess } from '../core-process.ts';
import { deleteSandboxes } from '../delete-sandboxes.ts';
import { leftovers } from '../leftovers.ts';
import { memoryTable } from '../memory-table.ts';
import { makeRoot } from '../real-core.ts';
import { traces } from '../traces.ts';
import { makeBystander } from './bystander.ts';
import { withController } from './with-controller.ts';

/** What the cores of one scenario are told. */
export type CoreTerms = Pick<CoreProcessOptions, 'node' | 'pool' | 'logSize' | 'logRetention' | 'janitor'>;

/** What all cores of a root have said. */
const LOG = 'cores.log';
/** Lines of it that an error shows. */
const SHOWN = 20;

/** The cores that follow each other on one root, with a sandbox to which nothing is done from the first one on. */
export class Cores {
  readonly root: string;
  #core: CoreProcess | undefined;
  #terms = '';
  #bystander: Sandbox | undefined;
  /** Of the controllers of its nodes. */
  readonly #sandboxes = memoryTable<Sandbox>();
  #abandoned = false;

  private constructor(root: string) {
    this.root = root;
  }

  static async open(): Promise<Cores> {
    return new Cores(await makeRoot());
  }

  get bystander(): Sandbox {
    return this.#bystander!;
  }

  /** One with these terms: the one that runs, when it has them. */
  async ready(terms: CoreTerms = {}): Promise<CoreProcess> {
    if (this.#core !== undefined && this.#terms === JSON.stringify(terms)) return this.#core;
    const code = await this.#core?.stop();
    if (code) throw new Error(`the core before ended with ${code}`);
    const core = await this.startAnew(terms);
    this.#bystander ??= await makeBystander(core.api);
    return core;
  }

  /** The next one, when another has ended: its pools are those on record. */
  start(terms?: CoreTerms): Promise<CoreProcess> {
    return this.#start(terms, UNSAID);
  }

  /** One that is told what its default pool is, as by a user. @throws when it dies at a failpoint on its way, too */
  startAnew(terms?: CoreTerms, dieAt?: string): Promise<CoreProcess> {
    return this.#start(terms, policyOf(terms), dieAt);
  }

  async #start(terms: CoreTerms = {}, pool: Policy, dieAt?: string): Promise<CoreProcess> {
    if (this.#abandoned) throw new Error('its time is over');
    const log = openSync(join(this.root, LOG), 'a');
    try {
      const core = await startCoreProcess(this.root, { ...terms, pool, dieAt, log });
      this.#core = terms.node ? await withController(core, this.root, this.#sandboxes) : core;
    } finally {
      closeSync(log);
    }
    this.#terms = JSON.stringify(terms);
    return this.#core;
  }

  /** Everything goes. @returns what is left all the same */
  async end(): Promise<string[]> {
    if (this.#core === undefined) return [];
    await deleteAll(this.#core.api);
    const left = await leftovers(this.#core, this.root);
    await rm(this.root, { recursive: true, force: true });
    return left;
  }

  /** What a test has left that failed goes; logs and records stay for people. @returns where they are, and what was said last */
  async abandon(): Promise<string> {
    this.#abandoned = true;
    await this.#core?.kill();
    const kept = join('/tmp', `${basename(this.root)}-failed`);
    await mkdir(kept);
    for (const part of [LOG, 'state/logs', 'state/records'])
      await cp(join(this.root, part), join(kept, part), { recursive: true }).catch(() => {});
    const lines = (await readFile(join(kept, LOG), 'utf8')).trimEnd().split('\n').slice(-SHOWN);
    if ((await traces(this.root)).length > 0) {
      const core = await startCoreProcess(this.root, { pool: { warm: [] } });
      await core.api.system.removeSetAside();
      await deleteAll(core.api);
      await core.stop();
    }
    await rm(this.root, { recursive: true, force: true });
    return `${kept} has the logs and records; the cores said last:\n${lines.join('\n')}`;
  }
}

type Policy = Record<string, unknown>;

const UNSAID: Policy = { warm: undefined, capacity: undefined };

/** All of it, for what a core before was told stays: what is kept is what is said, and nothing boots that no operation wants. */
function policyOf({ pool = {} }: CoreTerms = {}): Policy {
  const { capacity, ...said } = pool;
  const size = { max: 2, buffer_min: 0, buffer_max: 0, ...(capacity as object) };
  return {
    warm: [{ image: 'host', count: 1 }],
    reuse: 'one-shot',
    pause_idle: false,
    ...said,
    capacity: size,
  };
}

/** All that there is, but for one. */
export async function deleteAll(api: CoreApi, except?: Sandbox): Promise<void> {
  await deleteSandboxes(api.sandboxes, {}, except);
  for (const { id } of await api.pools.leases()) await ifThere(api.pools.release(id));
}
