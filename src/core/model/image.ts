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

/** A row of `image list`. */
export interface ImageInfo {
  /** Canonical references (`docker.io/library/alpine:latest`), or `host`. Empty for an untagged image. */
  references: string[];
  /** `sha256:...` */
  digest: string;
  /** Bytes unpacked, shared layers counted. 0 for `host`, which takes no room of its own. */
  size: number;
  /** `amd64`, `arm64`, ... */
  architecture: string;
  /** Milliseconds since the epoch; when it came into the store. */
  importedAt: number;
}

/**
 * A root file system that is ready to mount: overlays, in mounting order. The first one's target is `/`. Each gets an
 * upper directory of the instance's own; `lower` is topmost first, absolute paths on the node.
 */
export interface RootFilesystem {
  overlays: { target: string; lower: string[] }[];
}

export interface ResolvedImage {
  reference: string;
  digest: string;
  config: ImageConfig;
  root: RootFilesystem;
}
