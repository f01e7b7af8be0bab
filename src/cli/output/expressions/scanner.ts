import { FsbError } from '../../../core/model/failure/errors.ts';
import { nearest } from '../nearest.ts';

/** Reads an expression from left to right, and says where it is wrong. */
export class Scanner {
  /** Index of the next character. */
  at = 0;
  readonly text: string;
  readonly #language: string;
  readonly #hint: string;

  /** @param language for messages: `jsonpath` @param hint how to write it */
  constructor(text: string, language: string, hint = 'See docs/output.md for what can be written.') {
    this.text = text;
    this.#language = language;
    this.#hint = hint;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** What matches the sticky pattern here, and steps over it; undefined: nothing does. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  /** @throws invalid_argument when the pattern does not match here; `what` was needed then */
  need(pattern: RegExp, what: string): string {
    return this.take(pattern) ?? this.fail(`expected ${what}, found ${this.#found()}`);
  }

  /** Everything before `mark`, or to the end. */
  until(mark: string): string {
    const end = this.text.indexOf(mark, this.at);
    const part = this.text.slice(this.at, end === -1 ? undefined : end);
    this.at += part.length;
    return part;
  }

  /** @throws invalid_argument always */
  fail(why: string, { at = this.at, hint }: { at?: number; hint?: string } = {}): never {
    throw new FsbError('invalid_argument', `invalid ${this.#language} at position ${at + 1}: ${why}`, {
      hint: hint ?? this.#hint,
    });
  }

  /** @throws invalid_argument always */
  unknown(kind: string, word: string, known: Iterable<string>, at: number): never {
    return this.fail(`unknown ${kind} ${JSON.stringify(word)}`, {
      at,
      hint: nearest(word, [...known], 'docs/output.md'),
    });
  }

  /** A text in double or single quotes, with the escapes of JSON. */
  quoted(): string | undefined {
    const start = this.at;
    const quote = this.take(/["']/y);
    if (quote === undefined) return undefined;
    let text = '';
    for (;;) {
      text += this.take(quote === '"' ? /[^"\\]+/y : /[^'\\]+/y) ?? '';
      if (this.take(quote === '"' ? /"/y : /'/y) !== undefined) return text;
      if (this.done) this.fail('the text has no end', { at: start });
      text += unescaped(this.need(/\\(?:u[0-9a-fA-F]{4}|[\s\S])/y, 'an escape like \\n'));
    }
  }

  #found(): string {
    return this.done ? 'the end' : JSON.stringify(this.text.slice(this.at, this.at + 12));
  }
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', 0: '\0' };

/** `\n` is a newline, `\u001b` a character by its number; what has no meaning is itself: `\.` is a dot. */
export const unescaped = (written: string): string =>
  written.length > 2
    ? String.fromCharCode(Number.parseInt(written.slice(2), 16))
    : (ESCAPES[written[1]!] ?? written[1]!);
