import { FsbError } from '../../core/model/failure/errors.ts';

/**
 * `ctrl-p,ctrl-q` -> the bytes that a terminal sends for them. Empty: no keys detach.
 * @throws invalid_argument
 */
export function parseDetachKeys(text: string): Buffer {
  if (text === '') return Buffer.alloc(0);
  return Buffer.from(text.split(',').map(parseKey));
}

function parseKey(key: string): number {
  if (/^[\x21-\x7e]$/.test(key)) return key.charCodeAt(0);
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key);
  if (control) return control[1]!.toUpperCase().charCodeAt(0) & 0x1f;
  throw new FsbError('invalid_argument', `--detach-keys: unknown key ${JSON.stringify(key)}`, {
    hint: 'Write keys like ctrl-p,ctrl-q: a single character, or ctrl- and a letter or one of @ [ \\ ] ^ _.',
  });
}

/** Looks for the keys in what is typed, over the borders of chunks; keys that turn out to be others' pass on. */
export class DetachFilter {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What to pass on; after `detached` nothing more may be pushed. */
  push(chunk: Uint8Array): { data: Buffer; detached: boolean } {
    if (this.#keys.length === 0) return { data: Buffer.from(chunk), detached: false };
    const passed: number[] = [];
    for (const byte of chunk) {
      while (this.#matched > 0 && byte !== this.#keys[this.#matched]) passed.push(...this.#shift());
      if (byte !== this.#keys[this.#matched]) passed.push(byte);
      else this.#matched += 1;
      if (this.#matched === this.#keys.length) return { data: Buffer.from(passed), detached: true };
    }
    return { data: Buffer.from(passed), detached: false };
  }

  /** What was held back, when nothing more comes. */
  flush(): Buffer {
    const held = Buffer.from(this.#keys.subarray(0, this.#matched));
    this.#matched = 0;
    return held;
  }

  /** Gives up the shortest beginning of the held keys such that the rest can still be a match. */
  #shift(): Buffer {
    const held = this.#keys.subarray(0, this.#matched);
    for (let drop = 1; drop <= held.length; drop++)
      if (held.subarray(drop).equals(this.#keys.subarray(0, held.length - drop))) {
        this.#matched = held.length - drop;
        return held.subarray(0, drop);
      }
    return held;
  }
}
