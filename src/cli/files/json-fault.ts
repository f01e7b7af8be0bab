/**
 * Where a text stops being JSON, as an offset; undefined: it is JSON. JSON.parse() does not say it for every fault, and
 * quotes the text around it, which may be a password. What is nested deeper than any file of ours is none.
 */
function jsonFault(text: string): number | undefined {
  const scanner = new Scanner(text);
  return scanner.document() ? undefined : scanner.at;
}

/** The same as a line and a column, from 1. */
export function faultPlace(text: string): { line: number; column: number } | undefined {
  const fault = jsonFault(text);
  if (fault === undefined) return undefined;
  const lines = text.slice(0, fault).split('\n');
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in a string
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

const DEEPEST = 100;

class Scanner {
  readonly #text: string;
  at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): boolean {
    return this.#value() && this.at === this.#text.length;
  }

  #value(): boolean {
    this.#take(SPACE);
    const done = this.#list('{', '}', () => this.#member()) ?? this.#list('[', ']', () => this.#value());
    const ok = done ?? (this.#take(STRING) || this.#take(SCALAR));
    return ok && this.#take(SPACE);
  }

  #member(): boolean {
    return this.#take(SPACE) && this.#take(STRING) && this.#take(SPACE) && this.#char(':') && this.#value();
  }

  /** Undefined: no list begins here. */
  #list(open: string, close: string, item: () => boolean): boolean | undefined {
    if (this.#depth === DEEPEST || !this.#char(open)) return undefined;
    this.#take(SPACE);
    if (this.#char(close)) return true;
    this.#depth += 1;
    do if (!item()) return false;
    while (this.#char(','));
    this.#depth -= 1;
    return this.#char(close);
  }

  #char(char: string): boolean {
    if (this.#text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.#text);
    if (match === null) return false;
    this.at += match[0].length;
    return true;
  }
}
