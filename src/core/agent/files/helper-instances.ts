import type { Logger } from 'pino';
import type { FilesRequest } from '../../api/agent-api.ts';
import type { CallOptions, ExecRequest } from '../../api/sandbox-api.ts';
import { abortable } from '../../model/async/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { ProcessSession } from '../../model/process.ts';
import { bootHelper, type HelperGround } from './boot-helper.ts';
import { HelperInstance } from './helper-instance.ts';

export interface HelperInstancesOptions extends HelperGround {
  clock: Clock;
  log: Logger;
}

/**
 * The helper instances, at most one for each sandbox: two on the same layers would destroy them. Who removes the files
 * ends it, who takes them over waits until no tool runs.
 */
export class HelperInstances {
  readonly #options: HelperInstancesOptions;
  readonly #bySandbox = new Map<string, HelperInstance>();
  #closing = false;

  constructor(options: HelperInstancesOptions) {
    this.#options = options;
  }

  /** To be called when the sandbox has no instance any more. @throws as AgentApi.execOnFiles */
  async exec(
    files: FilesRequest,
    request: ExecRequest,
    { signal }: CallOptions = {},
  ): Promise<ProcessSession> {
    for (;;) {
      if (this.#closing) throw stopping();
      const helper = this.#bySandbox.get(files.sandboxId) ?? this.#open(files);
      if (!helper.leaving) return helper.exec(request, signal);
      await abortable(helper.gone, signal);
    }
  }

  /** KeptFiles.handOver(), as soon as no tool runs on them. @throws the signal's reason */
  handOver(from: string, to: string, signal?: AbortSignal): Promise<string | undefined> {
    const handOver = (): Promise<string | undefined> => this.#options.files.handOver(from, to);
    return this.#alone(from, (helper) => abortable(helper.finish(), signal), handOver);
  }

  /** KeptFiles.discard(), at once: whose tool runs on them hears why it ends. */
  discard(sandboxId: string): Promise<void> {
    const discard = (): Promise<void> => this.#options.files.discard(sandboxId);
    return this.#alone(sandboxId, (helper) => helper.end(filesRemoved()), discard);
  }

  /** The deed comes in one step with the last look: no tool can come in between. */
  async #alone<T>(
    sandboxId: string,
    wait: (helper: HelperInstance) => Promise<void>,
    deed: () => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const helper = this.#bySandbox.get(sandboxId);
      if (helper === undefined) return deed();
      await wait(helper);
    }
  }

  /** Ends them all; the files stay. Idempotent. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#bySandbox.values()].map((helper) => helper.end(stopping())));
  }

  /** @throws conflict (no files) */
  #open(request: FilesRequest): HelperInstance {
    const { sandboxId, claimName } = request;
    const { files, clock, log } = this.#options;
    const instance = files.of(sandboxId);
    if (instance === undefined) throw noFiles(claimName);
    const helper = new HelperInstance({
      ...{ sandboxId, name: `sandbox ${claimName}`, clock, log },
      drained: new FsbError('conflict', `pool ${request.spec.pool_ref} was emptied by force meanwhile`),
      boot: (holder, signal) => bootHelper(request, instance, this.#options, holder, signal),
    });
    this.#bySandbox.set(sandboxId, helper);
    void helper.gone.then(() => this.#bySandbox.delete(sandboxId));
    return helper;
  }
}

const stopping = (): FsbError => new FsbError('unavailable', 'the core is stopping');

const filesRemoved = (): FsbError =>
  new FsbError('conflict', 'the files are gone: the sandbox was deleted or reset meanwhile');

const noFiles = (claimName: string): FsbError =>
  new FsbError('conflict', `sandbox ${claimName} has ended, and has no files`, {
    hint: 'It never ran, or its pool uses instances again. See which it is with: fsb-ctl get NAME',
  });
