/** What a terminal shows of what was written to it: enough of one for lines that are redrawn in place. */
export class Screen {
  readonly #width: number;
  readonly #height: number;
  #lines: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
  }

  write(text: string): this {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what a terminal understands
    for (const [part, count, command] of text.matchAll(/\u001b\[(\d*)([A-Z])|[\s\S]/g)) {
      if (command !== undefined) this.#command(command, Number(count || 1));
      else if (part === '\r') this.#column = 0;
      else if (part === '\n') this.#feed();
      else this.#put(part);
    }
    return this;
  }

  /** From the first line on; the last one is that of the cursor or below. */
  get lines(): string[] {
    return this.#lines.map((line) => line.trimEnd());
  }

  get cursor(): { row: number; column: number } {
    return { row: this.#row, column: this.#column };
  }

  #command(command: string, count: number): void {
    // The top of the screen is as far as the cursor can go up.
    const top = Math.max(0, this.#lines.length - this.#height);
    if (command === 'A') this.#row = Math.max(top, this.#row - count);
    else if (command === 'H') [this.#row, this.#column] = [top, 0];
    else if (command === 'K') this.#set(this.#line.slice(0, this.#column));
    else if (command === 'J') {
      this.#set(this.#line.slice(0, this.#column));
      this.#lines.length = this.#row + 1;
    } else throw new Error(`this screen does not know ${command}`);
  }

  #put(char: string): void {
    if (this.#column === this.#width) this.#feed();
    this.#set(
      this.#line.slice(0, this.#column).padEnd(this.#column) + char + this.#line.slice(this.#column + 1),
    );
    this.#column += 1;
  }

  #feed(): void {
    this.#row += 1;
    this.#column = 0;
    if (this.#row === this.#lines.length) this.#lines.push('');
  }

  get #line(): string {
    return this.#lines[this.#row]!;
  }

  #set(line: string): void {
    this.#lines[this.#row] = line;
  }
}
