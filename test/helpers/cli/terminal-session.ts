import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';

const driver = join(import.meta.dirname, 'terminal.py');
/** A dialogue that hangs shows what it has seen so far, before the test's own limit ends it without a word. */
const PATIENCE = 45_000;

export interface SessionEnd {
  code: number;
  /** The terminal is as it was before. */
  restored: boolean;
}

/** A program on a terminal of its own (31 rows, 97 columns), and the keys that a person types there. */
export class TerminalSession {
  /** All that it has drawn. */
  text = '';
  #seen = 0;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown>;
  readonly #pid: Promise<number>;

  constructor(argv: string[], options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
    this.#child = spawn('python3', [driver, ...argv], options);
    this.#closed = once(this.#child, 'close');
    this.#child.stdin.on('error', () => {});
    this.#pid = once(this.#child.stderr, 'data').then(([line]) =>
      Number(/^pid (\d+)/.exec(String(line))![1]),
    );
    this.#pid.catch(() => {});
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
  }

  /** Waits for something behind all that was waited for before. @param patience milliseconds */
  async sees(part: string | RegExp, patience = PATIENCE): Promise<void> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), patience);
    try {
      while (!this.#find(part)) {
        const more = once(this.#child.stdout, 'data', { signal: limit.signal });
        await Promise.race([more, this.#closed.then(() => Promise.reject(new Error('it has ended')))]);
      }
    } catch (error) {
      const shown = JSON.stringify(this.text.slice(this.#seen));
      throw new Error(`waited for ${part}, saw ${shown}`, { cause: error });
    } finally {
      clearTimeout(timer);
      limit.abort();
    }
  }

  #find(part: string | RegExp): boolean {
    const rest = this.text.slice(this.#seen);
    const found = typeof part === 'string' ? [part] : part.exec(rest);
    const at = found === null ? -1 : rest.indexOf(found[0]!);
    if (at === -1) return false;
    this.#seen += at + found![0]!.length;
    return true;
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** To the program itself, as somebody else would send it. */
  async signal(name: NodeJS.Signals): Promise<void> {
    process.kill(await this.#pid, name);
  }

  /** The window gets another size; whoever is in front of it is told, as by a real one. */
  async resize(rows: number, columns: number): Promise<void> {
    const terminal = `/proc/${await this.#pid}/fd/0`;
    await promisify(execFile)('stty', ['-F', terminal, 'rows', String(rows), 'cols', String(columns)]);
  }

  /** What the driver said at the end. */
  async end(): Promise<SessionEnd> {
    await this.#closed;
    return JSON.parse(this.text.split('\0').at(-1)!) as SessionEnd;
  }
}

export const keys = {
  ctrlC: '\u0003',
  ctrlD: '\u0004',
  /** The usual keys that leave a session. */
  detach: '\u0010\u0011',
};
