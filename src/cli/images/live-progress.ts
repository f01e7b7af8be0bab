import type { LayerProgress, LayerState, PullEvent } from '../../core/model/image/pull.ts';
import { printable } from '../output/output.ts';
import { tryWrite } from '../terminal/streams.ts';
import { type LayerWords, layerLine } from './layer-line.ts';
import { closingLines, headline, type ProgressWorld, type PullProgress } from './pull-lines.ts';

/** Milliseconds between two drawings: more often is flicker, and work for a slow connection. */
const INTERVAL = 80;
const CLEAR_TO_END_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/**
 * One line a layer, redrawn in place. Between two drawings the cursor stays where a shell would put its prompt, below
 * the lines and visible: whatever ends the process leaves a terminal that needs no repair.
 */
export class LiveProgress implements PullProgress {
  readonly #world: ProgressWorld;
  readonly #words: LayerWords | undefined;
  readonly #layers = new Map<string, LayerProgress>();
  readonly #redraw = (): void => void this.#draw();
  /** Lines that stand above the cursor and are ours to redraw. */
  #drawn: string[] = [];
  #nextAt = 0;
  #cancel: (() => void) | undefined;
  #written: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param words those of a pull when absent */
  constructor(world: ProgressWorld, words?: LayerWords) {
    this.#world = world;
    this.#words = words;
    world.terminal.stderr.on('resize', this.#redraw);
  }

  async on(event: PullEvent): Promise<void> {
    switch (event.kind) {
      case 'resolved':
        for (const layer of event.layers) this.#layers.set(layer.id, layer);
        return this.#draw(`${headline(event.reference)}\n`);
      case 'layer':
        this.#layers.set(event.layer.id, event.layer);
        return this.#drawInTime();
      case 'note':
        return this.#draw(`${printable(event.message)}\n`);
      case 'done':
        await this.#draw();
        return this.#leave(closingLines(event));
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    // The last state of the layers stays, and what the terminal echoed of a ctrl-C goes.
    await this.#draw();
    await this.#leave('');
  }

  #leave(text: string): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#world.terminal.stderr.off('resize', this.#redraw);
    return this.#write(text);
  }

  /** Now or, when the last drawing was just now, a moment later: there may be no other event for long. */
  async #drawInTime(): Promise<void> {
    if (this.#cancel !== undefined || this.#closed) return;
    const { clock } = this.#world;
    const wait = this.#nextAt - clock.monotonic();
    if (wait <= 0) return this.#draw();
    this.#cancel = clock.after(wait, this.#redraw);
  }

  /** @param above lines that stay for good, put above the layers */
  #draw(above = ''): Promise<void> {
    if (this.#closed) return this.#written;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#nextAt = this.#world.clock.monotonic() + INTERVAL;
    const home = this.#upToFirstLine();
    this.#drawn = this.#lines();
    const clean = above.replaceAll('\n', `${CLEAR_TO_END_OF_LINE}\n`);
    const lines = this.#drawn.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('');
    return this.#write(`${home}${clean}${lines}${CLEAR_BELOW}`);
  }

  #write(text: string): Promise<void> {
    if (text === '') return this.#written;
    this.#written = this.#written.then(() => tryWrite(this.#world.terminal.stderr, text));
    return this.#written;
  }

  /** A terminal that became narrower since has wrapped the lines. */
  #upToFirstLine(): string {
    const { columns } = this.#size();
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    return rows === 0 ? '\r' : `\r\u001b[${rows}A`;
  }

  #lines(): string[] {
    const { columns, rows } = this.#size();
    // A line that fills the last column wraps on some terminals.
    const width = Math.max(columns - 1, 1);
    const layers = [...this.#layers.values()];
    // One row for the cursor, one for what stands above.
    const room = Math.max(rows - 2, 1);
    const line = (layer: LayerProgress): string => layerLine(layer, width, this.#words);
    if (layers.length <= room) return layers.map(line);
    const shown = mostTelling(layers, room - 1);
    const rest = summary(layers.filter((layer) => !shown.includes(layer)));
    return [...shown.map(line), rest.slice(0, width)];
  }

  #size(): { columns: number; rows: number } {
    const { columns, rows } = this.#world.terminal.stderr;
    return { columns: columns || 80, rows: rows || 24 };
  }
}

const ENDED: ReadonlySet<LayerState> = new Set(['done', 'present']);

/** Where not all have room: those at which something happens, then those that wait. In their own order. */
function mostTelling(layers: LayerProgress[], count: number): LayerProgress[] {
  const rank = ({ state }: LayerProgress): number => (ENDED.has(state) ? 2 : state === 'waiting' ? 1 : 0);
  const chosen = new Set([...layers].sort((a, b) => rank(a) - rank(b)).slice(0, count));
  return layers.filter((layer) => chosen.has(layer));
}

/** `and 12 more: 10 complete, 2 to come` */
function summary(layers: LayerProgress[]): string {
  const complete = layers.filter(({ state }) => ENDED.has(state)).length;
  const toCome = layers.length - complete;
  const parts = [
    ...(complete > 0 ? [`${complete} complete`] : []),
    ...(toCome > 0 ? [`${toCome} to come`] : []),
  ];
  return `and ${layers.length} more: ${parts.join(', ')}`;
}
