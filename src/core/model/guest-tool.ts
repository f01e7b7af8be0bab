import { type ExitStatus, signalName } from './process.ts';

/** Tools of fsb-init, and what they say: for whoever starts one through an exec. */

/** Where fsb-init is inside every instance, read-only and executable, whatever the image is. */
export const GUEST_INIT = '/.fsb-init';

export const toolRequest = (argv: string[], stdin: boolean) => ({
  ...{ argv, env: {}, cwd: '', user: '', tty: false, stdin },
  guestTool: true as const,
});

/** Exit code of a tool that found nothing at the path it was given. */
export const NOTHING_THERE = 3;

/** A connection to a port of the loopback inside, over the standard input and output of the tool. */
export const connectArgv = (port: number): string[] => ['connect', `${port}`];

/** Bytes of complaints that are kept, of the beginning. */
const MOST_COMPLAINTS = 16 * 1024;

/** What a tool writes on stderr, for people: as much as anybody would read. */
export class Complaints {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  push(data: Buffer): void {
    const room = MOST_COMPLAINTS - this.#size;
    if (room <= 0) return;
    this.#chunks.push(Buffer.from(data.subarray(0, room)));
    this.#size += Math.min(room, data.length);
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8').trimEnd();
  }
}

/** Why a tool failed: its last complaint, which is of the sandbox and may hold anything, or the signal that ended it. */
export function reasonOf(status: ExitStatus, complaint: string): string {
  if (status.oomKilled) return 'the sandbox ran out of memory';
  if (status.signal !== null) return `it was ended by ${signalName(status.signal)}`;
  return complaint.split('\n').at(-1)! || `it failed with code ${status.code}`;
}

/** What `connect` says beside the data: `end N` for the half-close of the other side, and what people should read. */
export class ConnectWords {
  readonly #complaints = new Complaints();
  /** Bytes that come in all; undefined: more may come. */
  total: number | undefined;

  push(data: Buffer): void {
    this.#complaints.push(data);
    const [, total] = /^end (\d{1,15})$/m.exec(this.#complaints.text) ?? [];
    if (total !== undefined) this.total = Number(total);
  }

  get complaint(): string {
    return this.#complaints.text.replace(/^end \d+\n?/m, '');
  }
}
