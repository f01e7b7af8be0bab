import type { LayerProgress, PullEvent } from '../../model/image/pull.ts';

/** What a reader that does not keep up may have waiting of notes; of layers only the last state waits. */
const MOST_NOTES = 20;

/**
 * What one reader of a pull has not seen yet. It takes as much memory as the pull has layers, however slowly it is
 * read.
 */
export class ProgressReader {
  #start?: PullEvent;
  readonly #layers = new Map<string, LayerProgress>();
  readonly #notes: string[] = [];
  #end?: { event: PullEvent } | { error: unknown };
  #wake?: () => void;

  /** Its first event, which says how all layers are. */
  begin(event: PullEvent): void {
    this.#start = event;
    this.#layers.clear();
    this.#awake();
  }

  layer(layer: LayerProgress): void {
    // To the end: layers that change often do not keep others waiting.
    this.#layers.delete(layer.id);
    this.#layers.set(layer.id, layer);
    this.#awake();
  }

  note(message: string): void {
    this.#notes.push(message);
    if (this.#notes.length > MOST_NOTES) this.#notes.shift();
    this.#awake();
  }

  end(end: { event: PullEvent } | { error: unknown }): void {
    this.#end = end;
    this.#awake();
  }

  /** Ends after `done`. @throws what the pull failed with; the signal's reason */
  async *events(signal?: AbortSignal): AsyncGenerator<PullEvent> {
    const aborted = (): void => this.end({ error: signal!.reason });
    signal?.addEventListener('abort', aborted, { once: true });
    if (signal?.aborted) aborted();
    try {
      for (;;) {
        const event = signal?.aborted ? undefined : this.#next();
        if (event !== undefined) yield event;
        else if (this.#end === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else if ('error' in this.#end) throw this.#end.error;
        else return yield this.#end.event;
      }
    } finally {
      signal?.removeEventListener('abort', aborted);
    }
  }

  #next(): PullEvent | undefined {
    const start = this.#start;
    this.#start = undefined;
    if (start !== undefined) return start;
    const message = this.#notes.shift();
    if (message !== undefined) return { kind: 'note', message };
    const [layer] = this.#layers.values();
    if (layer === undefined) return undefined;
    this.#layers.delete(layer.id);
    return { kind: 'layer', layer };
  }

  #awake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
