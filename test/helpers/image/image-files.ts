import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

/** Builds image files byte by byte, so that tests can also build wrong ones. */

export interface TestEntry {
  name: string;
  type?: 'file' | 'link' | 'symlink' | 'directory' | 'character-device' | 'block-device' | 'fifo';
  content?: string | Buffer;
  linkname?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: Date;
  devmajor?: number;
  devminor?: number;
  /** Extended headers: `SCHILY.xattr.user.x`. */
  pax?: Record<string, string>;
}

export interface TestImage {
  /** As in `RepoTags` and `io.containerd.image.name`; without one the image has no name. */
  name?: string;
  /** Value of `org.opencontainers.image.ref.name`; independent of `name`. */
  refName?: string;
  /** Plain tars, bottom first. */
  layers: Buffer[];
  /** The `config` member of the image configuration. */
  config?: Record<string, unknown>;
  architecture?: string;
  /** How the layers are stored in OCI formats. Default gzip. */
  compress?: (layer: Buffer, index: number) => Buffer;
  layerMediaType?: string | ((index: number) => string);
  /** Media types of docker (schema 2) instead of OCI's. */
  dockerTypes?: boolean;
}

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string; variant?: string };
  annotations?: Record<string, string>;
}

export const sha256 = (data: Buffer | string): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;

/** What Node calls this machine's architecture, as OCI calls it. */
export const ociArchitecture: string =
  { x64: 'amd64', arm: 'arm', arm64: 'arm64', ia32: '386' }[process.arch as string] ?? process.arch;

export async function tarOf(entries: TestEntry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { content, ...header } of entries) {
    const body = Buffer.from(content ?? '');
    const type = header.type ?? 'file';
    pack.entry(
      { mtime: new Date(1_600_000_000_000), mode: type === 'directory' ? 0o755 : 0o644, ...header, type },
      body,
    );
  }
  pack.finalize();
  return buffer(pack);
}

/** The files of an OCI layout: name to content. */
export type LayoutFiles = Map<string, Buffer>;

export function addBlob(files: LayoutFiles, mediaType: string, data: Buffer): Descriptor {
  const digest = sha256(data);
  files.set(`blobs/sha256/${digest.slice('sha256:'.length)}`, data);
  return { mediaType, digest, size: data.length };
}

function imageConfigOf(image: TestImage): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: image.architecture ?? ociArchitecture,
      os: 'linux',
      config: image.config ?? {},
      rootfs: { type: 'layers', diff_ids: image.layers.map((layer) => sha256(layer)) },
    }),
  );
}

/** Adds an image's blobs and returns the descriptor of its manifest. */
export function addImage(files: LayoutFiles, image: TestImage): Descriptor {
  const types = image.dockerTypes ? dockerMediaTypes : ociMediaTypes;
  const { layerMediaType = types.layer } = image;
  const layerType = (index: number): string =>
    typeof layerMediaType === 'string' ? layerMediaType : layerMediaType(index);
  const compress = image.compress ?? ((layer: Buffer) => gzipSync(layer));
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: addBlob(files, types.config, imageConfigOf(image)),
    layers: image.layers.map((layer, index) => addBlob(files, layerType(index), compress(layer, index))),
  };
  const descriptor = addBlob(files, types.manifest, Buffer.from(JSON.stringify(manifest)));
  const annotations: Record<string, string> = {};
  if (image.name !== undefined) annotations['io.containerd.image.name'] = image.name;
  if (image.refName !== undefined) annotations['org.opencontainers.image.ref.name'] = image.refName;
  return Object.keys(annotations).length === 0 ? descriptor : { ...descriptor, annotations };
}

export function layoutFiles(images: TestImage[]): LayoutFiles {
  const files: LayoutFiles = new Map();
  const manifests = images.map((image) => addImage(files, image));
  return withIndex(files, manifests);
}

export function withIndex(files: LayoutFiles, manifests: Descriptor[]): LayoutFiles {
  files.set('oci-layout', Buffer.from(JSON.stringify({ imageLayoutVersion: '1.0.0' })));
  files.set(
    'index.json',
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociMediaTypes.index, manifests })),
  );
  return files;
}

/** A docker-save of before docker 25: `manifest.json`, `<id>.json`, `<n>/layer.tar`. */
export function oldDockerSaveFiles(images: TestImage[]): LayoutFiles {
  const files: LayoutFiles = new Map();
  const manifest = images.map((image) => {
    const config = imageConfigOf(image);
    const configName = `${sha256(config).slice('sha256:'.length)}.json`;
    files.set(configName, config);
    const layers = image.layers.map((layer) => {
      const name = `${sha256(layer).slice('sha256:'.length)}/layer.tar`;
      files.set(name, layer);
      return name;
    });
    return { Config: configName, RepoTags: image.name === undefined ? null : [image.name], Layers: layers };
  });
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
  return files;
}

/** A docker-save of docker 25 and later: an OCI layout with a `manifest.json` that points into its blobs. */
export function newDockerSaveFiles(images: TestImage[]): LayoutFiles {
  const files: LayoutFiles = new Map();
  const manifest = images.map((image) => {
    const config = addBlob(files, ociMediaTypes.config, imageConfigOf(image));
    const layers = image.layers.map((layer) => blobPath(addBlob(files, 'layer', layer)));
    return {
      Config: blobPath(config),
      RepoTags: image.name === undefined ? null : [image.name],
      Layers: layers,
    };
  });
  const descriptors = images.map((image) =>
    addImage(files, {
      ...image,
      compress: (layer) => layer,
      layerMediaType: 'application/vnd.oci.image.layer.v1.tar',
    }),
  );
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
  return withIndex(files, descriptors);
}

export async function writeFiles(directory: string, files: LayoutFiles): Promise<void> {
  for (const [name, data] of files) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, data);
  }
}

export async function writeArchive(
  path: string,
  files: LayoutFiles,
  compress?: (tar: Buffer) => Buffer,
): Promise<void> {
  const plain = await tarOf([...files].map(([name, content]) => ({ name, content })));
  await writeFile(path, compress ? compress(plain) : plain);
}

export const ociMediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};

const dockerMediaTypes = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};

const blobPath = (descriptor: Descriptor): string => `blobs/${descriptor.digest.replace(':', '/')}`;
