import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { abortable } from '../../core/model/async/abortable.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { tryWrite } from './streams.ts';
import type { Terminal } from './world.ts';

/** Questions of nothing but letters, for terminals that know no colours and move no cursor, and for who wants none. */

type Streams = Pick<Terminal, 'stdin' | 'stderr'>;

/** The line that was typed, without its end; the terminal itself lets people edit it. @throws cancelled: ctrl-D; the signal's reason */
export async function askLine(
  { stdin, stderr }: Streams,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  await tryWrite(stderr, `${question} `);
  return readLine(createInterface({ input: stdin, terminal: false }), signal);
}

/** The same for what nobody may see: the keys are read one by one, and go nowhere. @throws as askLine(), and for ctrl-C */
export async function askLineHidden(
  { stdin, stderr }: Streams,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  await tryWrite(stderr, `${question} `);
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    const keys = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
    return erased(await readLine(keys, signal));
  } finally {
    await tryWrite(stderr, '\n');
  }
}

/** Where TERM is dumb, Node takes a backspace for a letter. */
function erased(line: string): string {
  const letters: string[] = [];
  for (const letter of line)
    if (letter === '\x7f' || letter === '\b') letters.pop();
    else letters.push(letter);
  return letters.join('');
}

async function readLine(lines: ReturnType<typeof createInterface>, signal: AbortSignal): Promise<string> {
  try {
    return await abortable(
      new Promise((resolve, reject) => {
        lines.once('line', resolve);
        lines.once('close', () => reject(new FsbError('cancelled', 'the question was left')));
        // Stopped and continued (ctrl-Z, fg), it has paused its input, and waits to be told.
        lines.on('SIGCONT', () => lines.resume());
      }),
      signal,
    );
  } finally {
    lines.close();
  }
}
