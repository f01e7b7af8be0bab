import type { CallOptions, CreateRequest } from '../../api/sandbox-api.ts';
import { abortable } from '../../model/async/abortable.ts';
import { SharedWork } from '../../model/async/shared-work.ts';
import type { Clock } from '../../model/clock.ts';
import { assertDigest } from '../../model/image/digest.ts';
import { assertTerminalSize } from '../../model/process.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import { newSandbox } from '../records/new-sandbox.ts';
import type { Registry } from '../records/registry.ts';
import type { AutoRemoval } from './auto-removal.ts';
import type { Operations } from './operations.ts';
import type { Starts } from './starts.ts';

export interface CreationsParts {
  registry: Registry;
  operations: Operations;
  starts: Starts;
  autoRemoval: AutoRemoval;
  clock: Clock;
}

/** Begins new sandboxes: a name is had by one at a time, and a key by one creation, which all who ask with it wait for. */
export class Creations {
  readonly #parts: CreationsParts;

  constructor(parts: CreationsParts) {
    this.#parts = parts;
  }

  /** As SandboxApi.create. */
  async create(request: CreateRequest, { signal }: CallOptions = {}): Promise<Sandbox> {
    const { registry, operations, starts, autoRemoval, clock } = this.#parts;
    const repeated = registry.repeated(request);
    if (repeated?.start?.isAbandoned) {
      // By an earlier call with this key, whose caller is gone: this one begins anew when that is out of the way.
      await abortable(repeated.start.ended, signal);
      return this.create(request, { signal });
    }
    if (repeated) return repeated.start ? repeated.start.join(signal) : repeated.sandbox;
    const { imageDigest, detached, size } = request;
    if (imageDigest !== undefined) assertDigest(imageDigest, 'image digest');
    if (size !== undefined) assertTerminalSize(size);
    const holder = registry.holderOf(request);
    if (holder?.sandbox.autoRemove && (await autoRemoval.giveWay(holder)))
      return this.create(request, { signal });
    const entry = registry.add(newSandbox(request, clock.now()));
    entry.start = new SharedWork((leaving) => {
      const start = (): Promise<Sandbox> =>
        starts.start(entry, entry.save(), {
          imageDigest,
          awaited: detached === false,
          size,
          signal: leaving,
        });
      return operations.first(entry, start).finally(() => {
        entry.start = undefined;
      });
    });
    autoRemoval.watch(entry);
    return entry.start.join(signal);
  }
}
