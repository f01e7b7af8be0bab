import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { type Descriptor, type LayoutFiles, ociMediaTypes, sha256 } from '../image-files.ts';

export interface PushTarget {
  /** `http://127.0.0.1:5000` */
  url: string;
  /** Path of a PEM file, for https. */
  ca?: string;
  basic?: { username: string; password: string };
  /** A whole header instead of `basic`: `Bearer ...`. */
  authorization?: string;
}

/**
 * Pushes an OCI layout (layoutFiles of image-files.ts) with plain PUTs. One image gets the tag; of several the index
 * itself gets it, so that it is an image of several platforms.
 * @returns the digest that the tag has
 */
export async function pushImage(
  target: PushTarget,
  repository: string,
  files: LayoutFiles,
  tag = 'latest',
): Promise<string> {
  const index = files.get('index.json')!;
  const { manifests } = JSON.parse(index.toString()) as { manifests: Descriptor[] };
  for (const manifest of manifests) await pushManifest(target, repository, files, manifest);
  if (manifests.length !== 1) return putManifest(target, repository, tag, ociMediaTypes.index, index);
  const [{ mediaType, digest }] = manifests as [Descriptor];
  return putManifest(target, repository, tag, mediaType, blobOf(files, digest)!);
}

/** Pushes one manifest as it is, whatever it says; the registry may refuse it. */
export async function putManifest(
  target: PushTarget,
  repository: string,
  reference: string,
  mediaType: string,
  body: Buffer,
): Promise<string> {
  const path = `/v2/${repository}/manifests/${reference}`;
  await send(target, 'PUT', path, body, mediaType);
  return sha256(body);
}

/** @returns its digest */
export async function pushBlob(target: PushTarget, repository: string, data: Buffer): Promise<string> {
  const { location } = await send(target, 'POST', `/v2/${repository}/blobs/uploads/`);
  const upload = new URL(location!, target.url);
  upload.searchParams.set('digest', sha256(data));
  await send(target, 'PUT', upload.pathname + upload.search, data, 'application/octet-stream');
  return sha256(data);
}

const blobOf = (files: LayoutFiles, digest: string): Buffer | undefined =>
  files.get(`blobs/${digest.replace(':', '/')}`);

async function pushManifest(
  target: PushTarget,
  repository: string,
  files: LayoutFiles,
  { mediaType, digest }: Descriptor,
): Promise<void> {
  const body = blobOf(files, digest)!;
  const manifest = JSON.parse(body.toString()) as {
    config?: Descriptor;
    layers?: Descriptor[];
    manifests?: Descriptor[];
  };
  for (const inner of manifest.manifests ?? []) await pushManifest(target, repository, files, inner);
  for (const blob of [...(manifest.config ? [manifest.config] : []), ...(manifest.layers ?? [])]) {
    const data = blobOf(files, blob.digest);
    if (data) await pushBlob(target, repository, data);
  }
  await putManifest(target, repository, digest, mediaType, body);
}

async function send(
  target: PushTarget,
  method: string,
  path: string,
  body?: Buffer,
  mediaType?: string,
): Promise<{ location?: string }> {
  const { basic } = target;
  const login = basic && `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
  const authorization = target.authorization ?? login;
  const url = new URL(path, target.url);
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method,
    agent: false,
    ...(target.ca !== undefined && { ca: readFileSync(target.ca) }),
    headers: {
      ...(authorization !== undefined && { authorization }),
      ...(mediaType !== undefined && { 'content-type': mediaType }),
      'content-length': body?.length ?? 0,
    },
  });
  const answer = new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  request.end(body);
  const response = await answer;
  const text = (await buffer(response)).toString();
  if (response.statusCode! >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
  return { location: response.headers.location };
}
