import type { CoreApi } from '../../src/core/api/core-api.ts';
import { request, said } from '../helpers/core/crash/sessions.ts';
import {
  execProblem,
  exitProblem,
  type Known,
  numbersProblem,
  specOf,
  textOf,
} from '../helpers/core/storm/promises.ts';
import { type Attempt, type KnownLease, type Ledger, NAMESPACE, unlessGone } from './ledger.ts';
import { attachProblem, copyProblem, floodProblem, followProblem } from './streams.ts';

/** What one client does, over and over: cycles that leave nothing. Each throws with what was not as it should be. */
export class Client {
  readonly #api: CoreApi;
  readonly #ledger: Ledger;
  readonly #random: (below: number) => number;

  constructor(api: CoreApi, ledger: Ledger, random: (below: number) => number) {
    this.#api = api;
    this.#ledger = ledger;
    this.#random = random;
  }

  async cycle(): Promise<void> {
    const cycles = [
      () => this.#exiting(),
      () => this.#exiting(),
      () => this.#counting(),
      () => this.#counting(),
      () => this.#expiring(),
      () => this.#lease(),
      () => this.#run(),
    ];
    await cycles[this.#random(cycles.length)]!();
  }

  async #exiting(): Promise<void> {
    const known = this.#ledger.newSandbox('exiting', 1 + this.#random(9));
    await this.#during(known, async () => {
      const box = await this.#create(known);
      if (this.#random(3) > 0) demand(known, await exitProblem(this.#api, box, known.code));
    });
  }

  async #expiring(): Promise<void> {
    const known = this.#ledger.newSandbox('expiring', 0);
    await this.#during(known, async () => {
      const box = await this.#create(known);
      if (this.#random(3) === 0) return;
      const end = await this.#api.sandboxes.wait(box).catch((error: Error) => error.message);
      // How its command ended, unless the core was killed before it was heard.
      const told = typeof end === 'string' ? end.includes('its time was up') : end.signal !== null;
      demand(known, told ? undefined : `its wait says ${JSON.stringify(end)}`);
    });
  }

  async #counting(): Promise<void> {
    const known = this.#ledger.newSandbox('counting', 0);
    const { sandboxes } = this.#api;
    await this.#during(known, async () => {
      await this.#create(known);
      const deeds: (() => Promise<unknown>)[] = [
        async () => demand(known, await execProblem(this.#api, known.sandbox!)),
        ...[followProblem, attachProblem, floodProblem, copyProblem].map(
          (look) => async () => demand(known, await look(this.#api, known.sandbox!, this.#random)),
        ),
        () => sandboxes.update(known.sandbox!, { labels: { round: `${this.#random(1000)}` } }),
        () =>
          this.#between(known, async () => {
            await sandboxes.pause(known.sandbox!);
            await sandboxes.unpause(known.sandbox!);
          }),
        () => this.#again(known, () => sandboxes.restart(known.sandbox!, { grace: 0 })),
        () =>
          this.#again(known, async () => {
            await sandboxes.stop(known.sandbox!, { grace: 0 });
            return sandboxes.start(known.sandbox!);
          }),
      ];
      for (let left = 1 + this.#random(4); left > 0; left--) await deeds[this.#random(deeds.length)]!();
      const { sandbox } = known;
      demand(known, numbersProblem(await textOf(this.#api, sandbox!), sandbox!.generation));
    });
  }

  /** Whatever happens inside, the sandbox can be deleted. */
  async #during(known: Known, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!known.uncertain) throw new Error(`${known.kind} ${known.name}: ${error}`, { cause: error });
    }
    known.deletion = 'asked';
    const how = this.#random(4) === 0 ? { wait: false } : { grace: 0 };
    const gone = this.#api.sandboxes.delete({ namespace: NAMESPACE, name: known.name }, how);
    // One that never came to be.
    await (known.uncertain && !known.sandbox ? gone.catch(unlessGone) : gone);
    known.deletion = 'answered';
    this.#ledger.sandboxes.delete(known);
    this.#ledger.finish(known);
  }

  async #create(known: Known) {
    const { name } = known;
    const spec = specOf(known, 300 + this.#random(900));
    known.sandbox = await this.#ledger.attempt(known, () =>
      this.#api.sandboxes.create({ namespace: NAMESPACE, name, spec }),
    );
    return known.sandbox;
  }

  /** Its next generation, which counts from the beginning, in the same log. */
  #again(known: Known, act: () => Promise<Known['sandbox']>): Promise<void> {
    return this.#between(known, () =>
      this.#ledger.attempt(known, async () => {
        known.sandbox = await act();
      }),
    );
  }

  /** Until this is answered nobody can say whether it runs. */
  async #between(known: Known, act: () => Promise<void>): Promise<void> {
    known.between = true;
    await act();
    known.between = false;
  }

  async #lease(): Promise<void> {
    const { pools } = this.#api;
    const lease: KnownLease = { id: '', released: false };
    await this.#tolerantly(lease, 'a lease', async () => {
      lease.id = (await pools.lease({ pool: 'default-pool', image: 'host' })).id;
      this.#ledger.leases.add(lease);
      for (let left = this.#random(3); left > 0; left--) {
        const { text, code } = await said(await pools.exec(lease.id, request('echo', 'x')));
        demand(lease, text === 'x\n' && code === 0 ? undefined : `said ${text} and ended with ${code}`);
      }
    });
    lease.released = true;
    if (lease.id !== '') await pools.release(lease.id).catch(lease.uncertain ? unlessGone : rethrow);
    this.#ledger.leases.delete(lease);
    this.#ledger.finish(lease);
  }

  /** Some let go of it in the middle. */
  async #run(): Promise<void> {
    const leaves = this.#random(3) === 0;
    const attempt: Attempt = {};
    await this.#tolerantly(attempt, 'a one-shot run', async () => {
      const exec = request('sh', '-c', leaves ? 'echo x; sleep 1000' : 'echo x; exit 5');
      const session = await this.#api.pools.run({ pool: 'default-pool', image: 'host', exec });
      if (leaves) return session.close();
      const { text, code } = await said(session);
      demand(attempt, text === 'x\n' && code === 5 ? undefined : `said ${text} and ended with ${code}`);
    });
    this.#ledger.finish(attempt);
  }

  async #tolerantly(attempt: Attempt, what: string, act: () => Promise<void>): Promise<void> {
    try {
      await this.#ledger.attempt(attempt, act);
    } catch (error) {
      if (!attempt.uncertain) throw new Error(`${what}: ${error}`, { cause: error });
    }
  }
}

const rethrow = (error: unknown): never => {
  throw error;
};

function demand(of: Attempt, problem: string | undefined): void {
  if (problem && !of.uncertain) throw new Error(problem);
}
