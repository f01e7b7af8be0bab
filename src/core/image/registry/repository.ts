import { eachWithEither, withEither } from '../../model/async/either-signal.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { type BlobQuestion, type Position, readBlob } from './blob.ts';
import type { Connection } from './connection.ts';
import { elsewhere } from './foreign-layers.ts';
import { askDigest, fetchManifest, type ManifestQuestion } from './manifest.ts';
import type { ReadOptions, RemoteBlob, RemoteManifest, RemoteRepository } from './registries.ts';
import { type RetryTerms, retrying } from './retry.ts';

export interface RepositoryTerms {
  /** For errors: `team/tool:latest`. */
  name: string;
  /** `team/tool` */
  path: string;
  /** Mirrors first, the registry itself last. */
  connections: Connection[];
  /** For addresses that a manifest names: never sees credentials. A string: why it must not be read from. */
  connectionTo(url: URL): Connection | string;
  clock: Clock;
  random: () => number;
  closing: AbortSignal;
}

type ReadTerms = ReadOptions & { signal: AbortSignal };

const MOST_ATTEMPTS = 5;

/** A repository on the mirrors of its registry and on itself. */
export class Repository implements RemoteRepository {
  readonly #terms: RepositoryTerms;
  /** Mirrors that did not answer: not every layer has to find that out again. */
  readonly #silent = new Set<Connection>();
  /** By digest: mirrors whose bytes came to the end of a blob. */
  readonly #givers = new Map<string, Set<Connection>>();

  constructor(terms: RepositoryTerms) {
    this.#terms = terms;
  }

  digestOf(reference: string, options: Omit<ReadOptions, 'offset'> = {}): Promise<string | undefined> {
    return withEither(options.signal, this.#terms.closing, (signal) =>
      this.#digestOf(reference, options, signal),
    );
  }

  async #digestOf(reference: string, options: ReadOptions, signal: AbortSignal): Promise<string | undefined> {
    for (const connection of this.#usable()) {
      try {
        const terms = { ...this.#retryTerms(connection, options, signal), limit: 1 };
        const digest = await retrying(terms, () =>
          askDigest(connection, this.#questionOf(reference, signal)),
        );
        if (digest !== undefined) return digest;
      } catch (error) {
        throwIfAborted(signal);
        // What the registry itself fails with is told by whoever asks for the manifest.
        if (connection.endpoint.mirror) this.#passOver(connection, error, options, signal);
      }
    }
    return undefined;
  }

  manifest(reference: string, options: Omit<ReadOptions, 'offset'> = {}): Promise<RemoteManifest> {
    return withEither(options.signal, this.#terms.closing, (signal) =>
      this.#manifest(reference, options, signal),
    );
  }

  async #manifest(reference: string, options: ReadOptions, signal: AbortSignal): Promise<RemoteManifest> {
    for (const connection of this.#usable()) {
      try {
        return await retrying(this.#retryTerms(connection, options, signal), () =>
          fetchManifest(connection, this.#questionOf(reference, signal)),
        );
      } catch (error) {
        this.#passOver(connection, error, options, signal);
      }
    }
    throw new FsbError('internal', `nobody was asked for ${reference}`);
  }

  #questionOf(reference: string, signal: AbortSignal): ManifestQuestion {
    const { name, path } = this.#terms;
    const isNamed = [':', '@'].some((mark) => name.endsWith(`${mark}${reference}`));
    return { path, reference, task: `pull ${name}${isNamed ? '' : `: manifest ${reference}`}`, signal };
  }

  blob(blob: RemoteBlob, options: ReadOptions = {}): AsyncGenerator<Buffer> {
    return eachWithEither(options.signal, this.#terms.closing, (signal) =>
      this.#blob(blob, { ...options, signal }),
    );
  }

  async *#blob(blob: RemoteBlob, options: ReadTerms): AsyncGenerator<Buffer> {
    const { name, path } = this.#terms;
    const task = `pull ${name}: blob ${blob.digest}`;
    const position = { at: options.offset ?? 0 };
    if (position.at > blob.size)
      throw new FsbError('invalid_argument', `cannot ${task}: it has only ${blob.size} bytes`);
    const question = { path: `/v2/${path}/blobs/${blob.digest}`, blob, task };
    try {
      yield* this.#fromAny(this.#giversOf(blob, task, options), () => question, position, options);
    } catch (error) {
      if (FsbError.from(error).code !== 'image_not_found') throw error;
      const { places, refused } = elsewhere(blob, task, this.#terms.connectionTo);
      if (places.size === 0) throw lost(error, this.#terms.name, blob, refused);
      for (const why of refused) options.onRetry?.(`cannot ${task}: ${why}`);
      yield* this.#fromAny([...places.keys()], (connection) => places.get(connection)!, position, options);
    }
  }

  async *#fromAny(
    connections: Connection[],
    questionTo: (connection: Connection) => BlobQuestion,
    position: Position,
    options: ReadTerms,
  ): AsyncGenerator<Buffer> {
    const { signal } = options;
    const givers = new Set<Connection>();
    for (const connection of connections) {
      const terms = this.#retryTerms(connection, options, signal);
      const question = questionTo(connection);
      const start = position.at;
      try {
        yield* readBlob(connection, question, position, terms);
        if (position.at > start) givers.add(connection);
        this.#remember(question.blob, givers);
        return;
      } catch (error) {
        if (position.at > start) givers.add(connection);
        if (connection === connections.at(-1)) throw error;
        this.#passOver(connection, error, options, signal);
      }
    }
  }

  /** Who asks again for what came whole has found it wrong: a damaged mirror must not spoil every pull for ever. */
  #giversOf(blob: RemoteBlob, task: string, { onRetry }: ReadOptions): Connection[] {
    const wrong = this.#givers.get(blob.digest);
    if (wrong) onRetry?.(`cannot ${task}: what a mirror gave was damaged; trying the next place`);
    return this.#usable().filter((connection) => !wrong?.has(connection));
  }

  #remember({ digest }: RemoteBlob, givers: Set<Connection>): void {
    const known = this.#givers.get(digest) ?? [];
    const mirrors = [...known, ...[...givers].filter(({ endpoint }) => endpoint.mirror)];
    if (mirrors.length > 0) this.#givers.set(digest, new Set(mirrors));
  }

  #usable(): Connection[] {
    return this.#terms.connections.filter((connection) => !this.#silent.has(connection));
  }

  /** Goes on to the next one after a mirror. @throws the error when there is none, or nobody waits any more */
  #passOver(connection: Connection, error: unknown, { onRetry }: ReadOptions, signal: AbortSignal): void {
    if (!connection.endpoint.mirror || signal.aborted) throw error;
    const { code, message } = FsbError.from(error);
    if (code === 'unavailable') this.#silent.add(connection);
    onRetry?.(`${message}; trying the next place`);
  }

  /** A mirror is only a better way: when it fails, there is another. */
  #retryTerms({ endpoint }: Connection, { onRetry }: ReadOptions, signal: AbortSignal): RetryTerms {
    const { clock, random } = this.#terms;
    return { clock, random, limit: endpoint.mirror ? 1 : MOST_ATTEMPTS, onRetry, signal };
  }
}

/** It is no image that one could pull: whoever would pull it again would get the same answer. */
function lost(cause: unknown, name: string, { digest }: RemoteBlob, refused: readonly string[]): FsbError {
  const why = `its registry has lost ${digest}, which its manifest names`;
  const message = [`cannot pull ${name}: ${why}`, ...refused].join('; ');
  return new FsbError('not_found', message, {
    hint: 'Push the image again, or pull another tag of it.',
    cause,
  });
}
