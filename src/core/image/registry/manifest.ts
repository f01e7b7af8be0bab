import { FsbError } from '../../model/failure/errors.ts';
import { isDigest } from '../../model/image/digest.ts';
import { digestOf } from '../bytes/digester.ts';
import { manifestTypeOf } from '../format/manifest-type.ts';
import { MANIFEST_TYPES } from '../format/media-types.ts';
import type { Answer } from './answer.ts';
import type { Connection, Question } from './connection.ts';
import type { RemoteManifest } from './registries.ts';

const LARGEST = 8 * 1024 * 1024;

export interface ManifestQuestion {
  /** `team/tool` */
  path: string;
  /** A tag or a digest. */
  reference: string;
  /** For errors: `pull team/tool:latest`. */
  task: string;
  signal?: AbortSignal;
}

/**
 * Asks what a tag means, without the manifest: that counts for no limit of pulls. One attempt.
 * @returns undefined when the server does not tell: it may know no such question
 * @throws FsbError, or Retryable
 */
export async function askDigest(
  connection: Connection,
  question: ManifestQuestion,
): Promise<string | undefined> {
  const anyButLogin = ({ status }: Answer): boolean => status !== 401;
  const answer = await connection.ask({ ...requestFor(question), method: 'HEAD' }, anyButLogin);
  answer.discard();
  const said = saidDigest(answer);
  return answer.status === 200 && isDigest(said) ? said : undefined;
}

/** One attempt to read a manifest from one server. @throws FsbError, or Retryable */
export async function fetchManifest(
  connection: Connection,
  question: ManifestQuestion,
): Promise<RemoteManifest> {
  const { reference, task } = question;
  const answer = await connection.ask(requestFor(question), ({ status }) => status === 200);
  const wrong = (why: string): FsbError =>
    new FsbError('invalid_argument', `cannot ${task}: ${answer.url.host} ${why}`);
  try {
    const body = await readBody(answer, wrong);
    const digest = verifiedDigest(answer, body, reference, wrong);
    return { mediaType: manifestTypeOf(body, String(answer.headers['content-type'] ?? '')), digest, body };
  } catch (thrown) {
    throw connection.failure(thrown, task);
  }
}

function requestFor({ path, reference, task, signal }: ManifestQuestion): Question {
  const headers = { accept: MANIFEST_TYPES.join(', ') };
  return { path: `/v2/${path}/manifests/${reference}`, task, headers, lane: 'documents', signal };
}

const saidDigest = ({ headers }: Answer): string => String(headers['docker-content-digest'] ?? '').trim();

type Wrong = (why: string) => FsbError;

async function readBody(answer: Answer, wrong: Wrong): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > LARGEST) throw wrong(`sends a manifest of more than ${LARGEST / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function verifiedDigest(answer: Answer, body: Buffer, reference: string, wrong: Wrong): string {
  const digest = digestOf(body);
  if (isDigest(reference) && reference !== digest)
    throw wrong(`lies: it sends ${digest} instead of ${reference}`);
  const said = saidDigest(answer);
  if (isDigest(said) && said !== digest) throw wrong(`lies: it says ${said} of a manifest that is ${digest}`);
  return digest;
}
