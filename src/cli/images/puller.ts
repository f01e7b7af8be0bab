import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { RegistryCredentials } from '../../core/model/image/image-requests.ts';
import type { PullEvent } from '../../core/model/image/pull.ts';
import { familiarName, parseReference } from '../../core/model/image/reference.ts';
import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { imageProgress } from './image-progress.ts';

export type PulledImage = PullEvent & { kind: 'done' };

export interface PullerOptions {
  core: Pick<CoreApi, 'images'>;
  world: World;
  signal: AbortSignal;
  /** No progress: -q, or a format for programs. */
  silent: boolean;
}

/** Pulls images for a command, with the user's own credentials and progress on stderr. */
export class Puller {
  readonly #options: PullerOptions;

  constructor(options: PullerOptions) {
    this.#options = options;
  }

  get core(): PullerOptions['core'] {
    return this.#options.core;
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /** A line for people, where they are not spared. */
  async say(text: string): Promise<void> {
    const { world, silent } = this.#options;
    if (!silent) await tryWrite(world.terminal.stderr, `${text}\n`);
  }

  /** @throws what ImageApi.pull() does */
  async pull(reference: string, platform?: string): Promise<PulledImage> {
    const { core, world, signal, silent } = this.#options;
    const { credentials, fault } = await this.#credentials(reference);
    const progress = imageProgress(world, { silent });
    let hasBytes = false;
    let pulled: PulledImage | undefined;
    try {
      const request = { reference, platform, credentials };
      for await (const event of core.images.pull(request, { signal })) {
        hasBytes ||= bytesIn(event);
        await progress.on(event);
        if (event.kind === 'done') pulled = event;
      }
    } catch (error) {
      await progress.close();
      // What a timeout is says the error itself.
      const isTimeout = FsbError.from(signal.reason).code === 'timeout';
      if (hasBytes && signal.aborted)
        await this.say(
          `${isTimeout ? 'A' : 'Interrupted: a'}nother pull of ${familiarName(reference)} goes on where this one stopped.`,
        );
      throw withFault(error, fault);
    } finally {
      await progress.close();
    }
    if (pulled !== undefined) return pulled;
    throw new FsbError('internal', `the pull of ${reference} ended without a result`, {
      hint: 'This is a bug of the core. Pull it again.',
    });
  }

  /** Most images are for everybody: what is wrong with a user's docker does not stand in their way. */
  async #credentials(reference: string): Promise<{ credentials?: RegistryCredentials; fault?: FsbError }> {
    const { world, signal } = this.#options;
    // What is wrong with the name shows first.
    parseReference(reference);
    // With the schema of docker's configuration it costs more to load than most commands take.
    const { findCredentials } = await import('../login/credentials.ts');
    try {
      return { credentials: await findCredentials(reference, world, signal) };
    } catch (error) {
      const fault = FsbError.from(error);
      if (signal.aborted) throw error;
      await this.say(`WARNING! Pulling without credentials: ${fault.message}`);
      return { fault };
    }
  }
}

/** Something of a layer is here, from now or from an earlier pull. */
const bytesIn = (event: PullEvent): boolean =>
  (event.kind === 'layer' && event.layer.current > 0) ||
  (event.kind === 'resolved' &&
    event.layers.some(({ state, current }) => state !== 'present' && current > 0));

/** Of a registry that wants credentials: why it was shown none. */
function withFault(error: unknown, fault: FsbError | undefined): unknown {
  if (fault === undefined) return error;
  const { code, message, hint } = FsbError.from(error);
  if (code !== 'unauthenticated' && code !== 'denied') return error;
  return new FsbError(code, message, {
    hint: `It was shown no credentials: ${fault.message}. ${fault.hint ?? hint ?? ''}`.trim(),
    cause: error,
  });
}
