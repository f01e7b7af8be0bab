import { tryWrite } from '../terminal/streams.ts';
import { canRedraw, type World } from '../terminal/world.ts';
import { printable } from './output.ts';

const CLEAR_LINE = '\r\u001b[K';

/** One line on stderr that tells how far something is: rewritten in place on a terminal, a new line elsewhere. */
export class ProgressLine {
  readonly #stream: World['terminal']['stderr'];
  readonly #live: boolean;
  #shown = '';

  constructor({ terminal, env }: Pick<World, 'terminal' | 'env'>) {
    this.#stream = terminal.stderr;
    this.#live = canRedraw(terminal.stderr, env);
  }

  /** Nothing happens while the text stays the same. */
  async show(text: string): Promise<void> {
    const line = printable(text);
    if (line === this.#shown) return;
    this.#shown = line;
    // A line that wraps could not be rewritten. 0 is a terminal that does not know its size.
    const width = Math.max((this.#stream.columns || 80) - 1, 1);
    await tryWrite(this.#stream, this.#live ? `${CLEAR_LINE}${line.slice(0, width)}` : `${line}\n`);
  }

  /** Takes the live line away, so that what follows starts on a clean one. Idempotent. */
  async clear(): Promise<void> {
    if (this.#live && this.#shown !== '') await tryWrite(this.#stream, CLEAR_LINE);
    this.#shown = '';
  }
}
