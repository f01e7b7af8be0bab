import { Scanner } from './scanner.ts';
import type { Data } from './values.ts';

/** The values of `$name` in a block and in those around it. */
export class Variables {
  readonly #own = new Map<string, Data>();

  readonly #outer: Variables | undefined;

  constructor(outer?: Variables) {
    this.#outer = outer;
  }

  get(name: string): Data {
    return this.#valuesWith(name).get(name);
  }

  declare(name: string, value: Data): void {
    this.#own.set(name, value);
  }

  /** Where it was declared: `{{$first = false}}` in a range is seen by its next round. */
  assign(name: string, value: Data): void {
    this.#valuesWith(name).set(name, value);
  }

  #valuesWith(name: string): Map<string, Data> {
    const outer = this.#outer;
    return outer === undefined || this.#own.has(name) ? this.#own : outer.#valuesWith(name);
  }
}

/** Reads a template, and knows which variables there are. */
export class TemplateScanner extends Scanner {
  #declared: string[] = [];

  constructor(text: string) {
    super(text, 'template');
  }

  /** The name of a variable that is there. Undefined: none is named here; a `$` alone is the row. @throws invalid_argument */
  variable(): string | undefined {
    const start = this.at;
    const name = this.take(/\$\w+/y);
    if (name === undefined || this.#declared.includes(name)) return name;
    return this.unknown('variable', name, this.#declared, start);
  }

  /** `$x :=`, or as range has it `$index, $value :=`, which are there from now on to the end of the block. */
  declaration(most: number): string[] | undefined {
    const found = this.take(/\$\w+(?:\s*,\s*\$\w+)?\s*:=\s*/y)?.match(/\$\w+/g);
    if (!found) return undefined;
    if (found.length > most) this.fail('only range has two variables');
    this.#declared.push(...found);
    return [...found];
  }

  /** What is declared in it is not there after it. */
  block<T>(parse: () => T): T {
    const before = [...this.#declared];
    try {
      return parse();
    } finally {
      this.#declared = before;
    }
  }
}
