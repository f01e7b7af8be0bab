import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { ImageInfo } from '../../model/image/image.ts';
import type { LayerProgress, PullEvent } from '../../model/image/pull.ts';
import { ProgressReader } from './progress-reader.ts';
import type { PullReport } from './pull-image.ts';

/** Milliseconds between two events about the bytes of one layer; a new state is told at once. */
const PROGRESS_INTERVAL = 100;

/** What `done` says. */
export interface PullResult {
  digest: string;
  upToDate: boolean;
  image: ImageInfo;
}

export type PullWork = (report: PullReport, signal: AbortSignal) => Promise<PullResult>;

/** One pull that any number of readers watch. It goes on while one of them is there. */
export class SharedPull {
  readonly #reference: string;
  readonly #clock: Clock;
  readonly #readers = new Set<ProgressReader>();
  readonly #stopping = new AbortController();
  readonly #layers = new Map<string, LayerProgress>();
  /** Layers with bytes that readers do not know of. */
  readonly #untold = new Set<string>();
  #cancelTelling?: () => void;
  #digest?: string;
  /** Fulfils when nothing of it goes on any more. Never rejects. */
  readonly ended: Promise<void>;

  constructor(reference: string, work: PullWork, clock: Clock) {
    this.#reference = reference;
    this.#clock = clock;
    this.ended = this.#run(work);
  }

  /** It will fail; nobody can join any more. */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Fails it, for all readers. */
  stop(reason: FsbError): void {
    this.#stopping.abort(reason);
  }

  async *read(signal?: AbortSignal): AsyncGenerator<PullEvent> {
    const reader = new ProgressReader();
    const leave = (): void => this.#leave(reader);
    this.#readers.add(reader);
    // Not only when its next event is asked for: whoever was cut off may never ask again.
    signal?.addEventListener('abort', leave, { once: true });
    if (this.#digest !== undefined) reader.begin(this.#resolvedEvent(this.#digest));
    try {
      yield* reader.events(signal);
    } catch (error) {
      throw FsbError.from(error);
    } finally {
      signal?.removeEventListener('abort', leave);
      leave();
    }
  }

  #leave(reader: ProgressReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.stop(new FsbError('cancelled', 'nobody waits for the pull any more'));
  }

  readonly #report: PullReport = {
    resolved: (digest, layers) => {
      this.#digest = digest;
      for (const layer of layers) this.#layers.set(layer.id, layer);
      for (const reader of this.#readers) reader.begin(this.#resolvedEvent(digest));
    },
    layer: (layer) => this.#layer(layer),
    note: (message) => {
      for (const reader of this.#readers) reader.note(message);
    },
  };

  #layer(layer: LayerProgress): void {
    const before = this.#layers.get(layer.id);
    this.#layers.set(layer.id, layer);
    if (before?.state !== layer.state) this.#tell(layer);
    else if (before.current !== layer.current) this.#untold.add(layer.id);
    if (this.#untold.size > 0)
      this.#cancelTelling ??= this.#clock.after(PROGRESS_INTERVAL, () => this.#tellBytes());
  }

  #tell(layer: LayerProgress): void {
    this.#untold.delete(layer.id);
    for (const reader of this.#readers) reader.layer(layer);
  }

  #tellBytes(): void {
    this.#cancelTelling = undefined;
    for (const id of [...this.#untold]) this.#tell(this.#layers.get(id)!);
  }

  #resolvedEvent(digest: string): PullEvent {
    return { kind: 'resolved', reference: this.#reference, digest, layers: [...this.#layers.values()] };
  }

  async #run(work: PullWork): Promise<void> {
    try {
      // What it reports is for readers, and the first one joins only after this.
      await Promise.resolve();
      const result = await work(this.#report, this.#stopping.signal);
      this.#end({ event: { kind: 'done', reference: this.#reference, ...result } });
    } catch (error) {
      this.#end({ error });
    }
  }

  #end(end: { event: PullEvent } | { error: unknown }): void {
    this.#cancelTelling?.();
    for (const reader of this.#readers) reader.end(end);
  }
}
