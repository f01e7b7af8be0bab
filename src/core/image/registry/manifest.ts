import { isDigest } from '../../model/digest.ts';
import { FsbError } from '../../model/errors.ts';
import { digestOf } from '../bytes/digester.ts';
import type { Connection } from './connection.ts';
import type { RemoteManifest } from './registries.ts';
import type { Answer } from './transport.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const TYPES = [
  MANIFEST,
  INDEX,
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const LARGEST = 8 * 1024 * 1024;

export interface ManifestQuestion {
  /** `team/tool` */
  path: string;
  /** A tag or a digest. */
  reference: string;
  /** For errors: `docker.io/team/tool:latest`. */
  name: string;
  signal?: AbortSignal;
}

/** One attempt to read a manifest from one server. @throws FsbError, or Retryable */
export async function readManifest(
  connection: Connection,
  { path, reference, name, signal }: ManifestQuestion,
): Promise<RemoteManifest> {
  const task = `read ${name}`;
  const question = {
    path: `/v2/${path}/manifests/${reference}`,
    task,
    headers: { accept: TYPES.join(', ') },
    lane: 'documents' as const,
  };
  const answer = await connection.ask({ ...question, signal }, ({ status }) => status === 200);
  const wrong = (why: string, code: 'invalid_argument' | 'unsupported' = 'invalid_argument'): FsbError =>
    new FsbError(code, `cannot ${task}: ${answer.url.host} ${why}`);
  try {
    const body = await readBody(answer, wrong);
    const digest = verifiedDigest(answer, body, reference, wrong);
    return { mediaType: mediaTypeOf(answer, body, wrong), digest, body };
  } catch (thrown) {
    throw connection.failure(thrown, task);
  }
}

type Wrong = (why: string, code?: 'invalid_argument' | 'unsupported') => FsbError;

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
  const said = String(answer.headers['docker-content-digest'] ?? '');
  if (isDigest(said) && said !== digest) throw wrong(`lies: it says ${said} of a manifest that is ${digest}`);
  return digest;
}

/** What the server says and what the manifest says of itself must agree: else one reads two images out of one digest. */
function mediaTypeOf(answer: Answer, body: Buffer, wrong: Wrong): string {
  const said = String(answer.headers['content-type'] ?? '')
    .replace(/;.*$/, '')
    .trim()
    .toLowerCase();
  const manifest = parse(body);
  if (manifest === undefined) throw wrong(`sends something else than a manifest (${said || 'no type'})`);
  if (manifest.schemaVersion === 1 || /distribution\.manifest\.v1\+/.test(said))
    throw wrong(
      'has this image only in the old format schema 1, which no tool makes any more',
      'unsupported',
    );
  const own = typeof manifest.mediaType === 'string' ? manifest.mediaType : undefined;
  const type = TYPES.includes(said) ? said : (own ?? guess(manifest));
  if (!type || !TYPES.includes(type)) throw wrong(`has no image there but ${type || said}`, 'unsupported');
  if (own !== undefined && own !== type)
    throw wrong(`contradicts itself: it calls ${type} what says to be ${own}`);
  if (type.includes('manifest.v') ? 'manifests' in manifest : 'layers' in manifest)
    throw wrong(`contradicts itself: what it calls ${type} has the parts of something else`);
  return type;
}

function parse(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function guess(manifest: Record<string, unknown>): string | undefined {
  if (Array.isArray(manifest.manifests)) return INDEX;
  return manifest.config !== undefined && Array.isArray(manifest.layers) ? MANIFEST : undefined;
}
