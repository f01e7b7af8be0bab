import type { LayerProgress, LayerState, PullEvent } from '../../core/model/image/pull.ts';
import { printable } from '../output/output.ts';
import { tryWrite } from '../terminal/streams.ts';
import { type LayerWords, PULL_WORDS } from './layer-line.ts';
import { closingLines, headline, type ProgressWorld, type PullProgress } from './pull-lines.ts';

/** Those that a log is better without: what they lead to comes next. */
const UNTOLD: ReadonlySet<LayerState> = new Set(['downloading', 'unpacking']);

/** A line for every change, for what is not a terminal: a log must not fill with bars. */
export class PlainProgress implements PullProgress {
  readonly #world: ProgressWorld;
  readonly #words: LayerWords;
  readonly #states = new Map<string, LayerState>();

  constructor(world: ProgressWorld, words = PULL_WORDS) {
    this.#world = world;
    this.#words = words;
  }

  async on(event: PullEvent): Promise<void> {
    const text = this.#textOf(event);
    if (text !== '') await tryWrite(this.#world.terminal.stderr, text);
  }

  async close(): Promise<void> {}

  #textOf(event: PullEvent): string {
    switch (event.kind) {
      case 'resolved':
        return `${headline(event.reference)}\n${event.layers.map((layer) => this.#layer(layer)).join('')}`;
      case 'layer':
        return this.#layer(event.layer);
      case 'note':
        return `${printable(event.message)}\n`;
      case 'done':
        return closingLines(event);
    }
  }

  #layer({ id, state }: LayerProgress): string {
    if (this.#states.get(id) === state) return '';
    this.#states.set(id, state);
    return UNTOLD.has(state) ? '' : `${printable(id)}: ${this.#words[state]}\n`;
  }
}
