import type { SandboxApi } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/errors.ts';
import type { SandboxRef } from '../../core/model/sandbox.ts';

export interface DeleteManyOptions {
  /** Milliseconds. */
  grace?: number;
  wait: boolean;
  /** A sandbox that is not there counts as nothing to do. */
  ignoreMissing: boolean;
  signal: AbortSignal;
}

export interface Deletion {
  name: string;
  deleted: boolean;
  /** Why not, unless there was nothing to do. */
  error?: FsbError;
}

/** How many deletions run side by side: teardown is work for the kernel, more only wait for each other. */
const PARALLEL = 32;

/** Deletes all of them, whatever happens to each, and yields the results in the order of `refs`. */
export async function* deleteMany(
  api: SandboxApi,
  refs: SandboxRef[],
  options: DeleteManyOptions,
): AsyncIterable<Deletion> {
  const running: Promise<Deletion>[] = [];
  for (const [index, ref] of refs.entries()) {
    const place = running[index - PARALLEL];
    running.push(
      place === undefined ? deleteOne(api, ref, options) : place.then(() => deleteOne(api, ref, options)),
    );
  }
  for (const deletion of running) yield await deletion;
}

async function deleteOne(api: SandboxApi, ref: SandboxRef, options: DeleteManyOptions): Promise<Deletion> {
  const { grace, wait, signal } = options;
  try {
    await api.delete(ref, { grace, wait, signal });
    return { name: ref.name, deleted: true };
  } catch (thrown) {
    const error = FsbError.from(thrown);
    if (options.ignoreMissing && error.code === 'not_found') return { name: ref.name, deleted: false };
    return { name: ref.name, deleted: false, error };
  }
}
