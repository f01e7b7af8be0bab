/** One way in which a server wants to know who asks, from a WWW-Authenticate header. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  scheme: string;
  /** Names are in lower case. */
  parameters: Record<string, string>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[0-9A-Za-z\-._~+/]+=*(?=\s*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;
const SPACE = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;

/**
 * Reads WWW-Authenticate (RFC 9110): several challenges, in one header or in several, each with parameters that may be
 * quoted. What cannot be understood ends the reading; what came before it counts.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  const reader = new Reader(header);
  for (reader.skip(SEPARATORS); !reader.atEnd; reader.skip(SEPARATORS)) {
    const scheme = reader.take(TOKEN);
    if (scheme === undefined) break;
    const challenge: Challenge = { scheme: scheme.toLowerCase(), parameters: Object.create(null) };
    challenges.push(challenge);
    reader.skip(SPACE);
    readParameters(reader, challenge.parameters);
  }
  return challenges;
}

function readParameters(reader: Reader, parameters: Record<string, string>): void {
  for (;;) {
    const start = reader.position;
    reader.skip(SEPARATORS);
    const parameter = readParameter(reader);
    if (parameter === undefined) {
      reader.position = start;
      // `Negotiate abc==`: one value without a name.
      reader.take(TOKEN68);
      return;
    }
    parameters[parameter.name] ??= parameter.value;
  }
}

/** Undefined: here begins another challenge, or nothing. */
function readParameter(reader: Reader): { name: string; value: string } | undefined {
  const name = reader.take(TOKEN);
  if (name === undefined) return undefined;
  reader.skip(SPACE);
  if (!reader.takes('=')) return undefined;
  reader.skip(SPACE);
  const quoted = reader.take(QUOTED);
  const value = quoted === undefined ? reader.take(TOKEN) : quoted.slice(1, -1).replace(/\\([\s\S])/g, '$1');
  return value === undefined ? undefined : { name: name.toLowerCase(), value };
}

class Reader {
  position = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.position >= this.#text.length;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.position += found.length;
    return found;
  }

  skip(pattern: RegExp): void {
    this.take(pattern);
  }

  takes(character: string): boolean {
    if (this.#text[this.position] !== character) return false;
    this.position += 1;
    return true;
  }
}
