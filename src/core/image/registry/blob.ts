import { FsbError } from '../../model/failure/errors.ts';
import type { Answer } from './answer.ts';
import type { Connection } from './connection.ts';
import type { RemoteBlob } from './registries.ts';
import { Attempts, Retryable, type RetryTerms } from './retry.ts';

export interface BlobQuestion {
  /** `/v2/team/tool/blobs/sha256:...`, or any path where it lies as it is. */
  path: string;
  blob: RemoteBlob;
  /** For errors: `read layer sha256:... of docker.io/team/tool`. */
  task: string;
}

/** Bytes. A server that gives one of them and cuts is not to be asked again as often as the blob has bytes. */
const LEAST_PROGRESS = 64 * 1024;

/** How far a blob has come, over all attempts and servers. */
export interface Position {
  at: number;
}

/** The bytes from a position on, from one server, over as many connections as it takes. */
export async function* readBlob(
  connection: Connection,
  question: BlobQuestion,
  position: Position,
  terms: RetryTerms,
): AsyncGenerator<Buffer> {
  const { blob, task } = question;
  const attempts = new Attempts(terms);
  const ranges = { allowed: true };
  let gained = 0;
  while (position.at < blob.size) {
    try {
      const answer = await askFrom(connection, question, position.at, ranges, terms.signal);
      for await (const chunk of wantedBytes(answer, position.at, question)) {
        position.at += chunk.length;
        gained += chunk.length;
        if (gained >= LEAST_PROGRESS) {
          attempts.progress();
          gained = 0;
        }
        yield chunk;
      }
      if (position.at < blob.size) throw cut(answer, task, `only ${position.at} of ${blob.size} bytes came`);
    } catch (thrown) {
      // What has come is whole, however the connection ended; that nothing follows cannot be known then.
      if (position.at === blob.size && !(thrown instanceof FsbError)) return;
      await attempts.failed(connection.failure(thrown, task));
    }
  }
}

async function askFrom(
  connection: Connection,
  { path, task }: BlobQuestion,
  at: number,
  ranges: { allowed: boolean },
  signal?: AbortSignal,
): Promise<Answer> {
  if (at > 0 && ranges.allowed) {
    const headers = { range: `bytes=${at}-` };
    const good = ({ status }: Answer): boolean => [200, 206, 416].includes(status);
    const answer = await connection.ask({ path, task, headers, lane: 'layers', signal }, good);
    if (answer.status !== 416) return answer;
    answer.discard();
    ranges.allowed = false;
  }
  return connection.ask({ path, task, lane: 'layers', signal }, ({ status }) => status === 200);
}

/** Without what is here already, and never more than the manifest says. */
async function* wantedBytes(answer: Answer, at: number, question: BlobQuestion): AsyncGenerator<Buffer> {
  const { blob, task } = question;
  const wrong = (why: string): FsbError =>
    new FsbError('invalid_argument', `cannot ${task}: ${answer.url.host} lies: ${why}`);
  try {
    let offset = startOf(answer, at, blob.size, wrong);
    for await (const chunk of answer.body) {
      const rest = chunk.subarray(Math.max(0, at - offset));
      offset += chunk.length;
      if (offset > blob.size) throw wrong(`it sends more than the ${blob.size} bytes that the manifest says`);
      if (rest.length > 0) yield rest;
    }
  } finally {
    answer.discard();
  }
}

/** Where in the blob the body begins. */
function startOf(answer: Answer, at: number, size: number, wrong: (why: string) => FsbError): number {
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  let [start, total] = [0, length];
  if (answer.status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(String(answer.headers['content-range'] ?? ''));
    if (!range) throw wrong('it sends a part and does not say which');
    start = Number(range[1]);
    total = Number(range[2]);
    if (start > at) throw wrong(`asked for the bytes from ${at} on, it sends those from ${start} on`);
  }
  if (!Number.isNaN(total) && total !== size)
    throw wrong(`it has ${total} bytes where the manifest says ${size}`);
  return start;
}

const cut = (answer: Answer, task: string, why: string): Retryable =>
  new Retryable(new FsbError('unavailable', `cannot ${task}: ${answer.url.host}: ${why}`));
