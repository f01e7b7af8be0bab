import type { Logger } from 'pino';
import type { PoolRunRequest } from '../../api/pool-api.ts';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { ProcessSession } from '../../model/process.ts';
import { commandOf } from '../../model/sandbox/command.ts';
import type { Holder } from '../pools/held-instance.ts';
import type { Pools } from '../pools/pools.ts';
import type { ShapeGround } from '../shape-of.ts';
import { prepareClaim } from './claim-request.ts';
import { OneShot } from './one-shot.ts';

export interface RunsOptions extends ShapeGround {
  pools: Pools;
  log: Logger;
}

/** One-shot runs out of the pools; see PoolApi. */
export class Runs {
  readonly #options: RunsOptions;
  readonly #active = new Set<OneShot>();
  readonly #leaving = new Set<Promise<void>>();
  #closing = false;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  async run({ exec, ...request }: PoolRunRequest, { signal }: CallOptions = {}): Promise<ProcessSession> {
    if (exec.detach)
      throw new FsbError('invalid_argument', 'a one-shot run cannot be detached: it ends with its caller', {
        hint: 'Take a lease, or run a sandbox.',
      });
    const { image, surroundings, claim } = await prepareClaim(request, this.#options, signal);
    const argv = exec.argv.length > 0 ? exec.argv : commandOf(image.config, image.reference);
    let run: OneShot | undefined;
    const holder: Holder = {
      name: 'run',
      end: async () => run?.end(),
      lost: () => void run?.end(),
    };
    const held = await claim(holder);
    failpoint('run.claimed');
    run = new OneShot(held, surroundings, (gone) => this.#leaves(run!, gone));
    this.#active.add(run);
    if (this.#closing) {
      await run.end({ destroy: true });
      throw new FsbError('unavailable', 'the core is stopping');
    }
    return run.start({ ...exec, argv }, signal);
  }

  /** Ends every run: nobody is left to hear of it. Idempotent. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled([...this.#active].map((run) => run.end({ destroy: true })));
    await Promise.allSettled(this.#leaving);
  }

  /** Nobody waits for it but the end of the core. */
  #leaves(run: OneShot, gone: Promise<void>): void {
    this.#active.delete(run);
    const settled = gone
      .catch((error) => this.#options.log.error({ err: error }, 'cannot give the instance of a run back'))
      .finally(() => this.#leaving.delete(settled));
    this.#leaving.add(settled);
  }
}
