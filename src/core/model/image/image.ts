import type { Platform } from './platform.ts';

/** What the image says about running it, with docker's meaning. */
export interface ImageConfig {
  entrypoint: string[];
  cmd: string[];
  /** `K=V` */
  env: string[];
  user: string;
  workingDir: string;
  stopSignal?: string;
  exposedPorts: number[];
  labels: Record<string, string>;
  /** Absolute paths of directories that every sandbox of it has, also where no layer has them. */
  volumes?: string[];
}

export const emptyImageConfig: ImageConfig = {
  entrypoint: [],
  cmd: [],
  env: [],
  user: '',
  workingDir: '',
  exposedPorts: [],
  labels: {},
};

/** How a pool that keeps an image warm is called among those who use it. */
export const KEEPER = 'warm pool ';

/** A row of `image list`. */
export interface ImageInfo {
  /** Canonical references (`docker.io/library/alpine:latest`), or `host`. Empty for an untagged image. */
  references: string[];
  /** By which digest which repository has it: `docker.io/library/alpine@sha256:...`. Empty for one that was imported. */
  repoDigests: string[];
  /** `sha256:...`, of the manifest for its platform. */
  digest: string;
  /** Bytes on the disk: layers unpacked, and as they came. 0 for `host`, which takes no room of its own. */
  size: number;
  /** Those of them that no other image has: what its removal frees. */
  uniqueSize: number;
  /** `amd64`, `arm64`, ... */
  architecture: string;
  /** `v7`; empty for most. */
  variant: string;
  /** Milliseconds since the epoch; when it was built, 0 when it does not say. */
  createdAt: number;
  /** Milliseconds since the epoch; when it came into the store. */
  importedAt: number;
  /**
   * Sandboxes, leases and runs that have an instance of it, `default/box`, `lease ...`, and pools that are told to keep
   * it warm: `warm pool ci`.
   */
  usedBy: string[];
}

/** One that a file brought. */
export interface ImportedImage extends ImageInfo {
  /** Those of its references that this import gave it; empty when the file has no name for it and none was given. */
  loaded: string[];
}

export interface ImageLayer {
  /** Of the layer as it came, mostly compressed. */
  digest: string;
  /** Of the plain tar. */
  diffId: string;
  mediaType: string;
  /** Bytes as it came. */
  size: number;
  /** Bytes of the files in it. */
  unpackedSize: number;
}

/** A step of a Dockerfile. */
export interface ImageHistory {
  /** Milliseconds since the epoch; 0 when it does not say. */
  createdAt: number;
  createdBy: string;
  comment: string;
  /** It made no layer. */
  empty: boolean;
}

/** `image inspect`. */
export interface ImageDetails extends ImageInfo {
  /** Of the configuration; what docker calls the image's id. Empty for `host`. */
  configDigest: string;
  /** Of the manifest. Empty for `host`. */
  mediaType: string;
  author: string;
  config: ImageConfig;
  /** Bottom first. */
  layers: ImageLayer[];
  /** Oldest first. */
  history: ImageHistory[];
}

export interface RemovedImage {
  image: ImageInfo;
  /** Names that it does not have any more. */
  untagged: string[];
  /** Nothing of the image is left. False also for one without any name that goes once the last instance of it has ended. */
  deleted: boolean;
  /** Bytes. */
  freed: number;
}

export interface PruneResult {
  removed: RemovedImage[];
  /** Bytes of all of it, what interrupted pulls had left included. */
  freed: number;
}

/**
 * A root file system that is ready to mount: overlays, in mounting order. The first one's target is `/`. Each gets an
 * upper directory of the instance's own; `lower` is topmost first, absolute paths on the node.
 */
export interface RootFilesystem {
  overlays: { target: string; lower: string[] }[];
  /** Absolute paths in it, made in the writable layer of an instance when they are missing. */
  directories?: string[];
}

export interface ResolvedImage {
  reference: string;
  digest: string;
  /** What it was built for; an architecture of '' when it does not say. */
  platform: Platform;
  config: ImageConfig;
  root: RootFilesystem;
}
