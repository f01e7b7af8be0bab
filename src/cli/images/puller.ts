import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/errors.ts';
import type { PullEvent } from '../../core/model/pull.ts';
import { familiarName } from '../../core/model/reference.ts';
import { tryWrite } from '../streams.ts';
import type { World } from '../world.ts';
import { pullProgress, silentProgress } from './pull-progress.ts';

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

  /** @throws what ImageApi.pull() does; invalid_argument for a broken config.json of docker */
  async pull(reference: string, platform?: string): Promise<PulledImage> {
    const { core, world, signal, silent } = this.#options;
    // With the schema of docker's configuration it costs more to load than most commands take.
    const { findCredentials } = await import('./credentials.ts');
    const credentials = await findCredentials(reference, world, signal);
    const progress = silent ? silentProgress : pullProgress(world);
    let begun = false;
    let pulled: PulledImage | undefined;
    try {
      const request = { reference, platform, credentials };
      for await (const event of core.images.pull(request, { signal })) {
        begun = true;
        await progress.on(event);
        if (event.kind === 'done') pulled = event;
      }
    } catch (error) {
      await progress.close();
      if (begun && signal.aborted)
        await this.say(
          `Interrupted: another pull of ${familiarName(reference)} goes on where this one stopped.`,
        );
      throw error;
    } finally {
      await progress.close();
    }
    if (pulled !== undefined) return pulled;
    throw new FsbError('internal', `the pull of ${reference} ended without a result`, {
      hint: 'This is a bug of the core. Pull it again.',
    });
  }
}
