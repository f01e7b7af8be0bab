/** What images are asked for. */

/**
 * What a registry wants to see of a user: a name with a password (or a personal token), or a token that a login gave.
 * Never on record, in a log, or in an error.
 */
export interface RegistryCredentials {
  username?: string;
  password?: string;
  /** An OAuth2 refresh token, docker's `identitytoken`. */
  identityToken?: string;
  /** Sent as it is, docker's `registrytoken`. */
  registryToken?: string;
}

export interface PullRequest {
  /** As a user writes it: `alpine`, `registry.example.com/tool:1`, `alpine@sha256:...`. */
  reference: string;
  /** `linux/arm64`; the machine's own when absent. */
  platform?: string;
  credentials?: RegistryCredentials;
  /**
   * Of a caller who must not reach what only the node reaches (its loopback, link-local and private addresses), unless
   * registries.yaml names it. No client can say it.
   */
  outside?: true;
}

export interface ImportRequest {
  /**
   * Where the image is: an absolute path, on the core's machine, of an OCI layout directory, an OCI archive, a
   * docker-save tar, or (rootfs) any tar; or the bytes of such a file.
   */
  source: { path: string } | { content: AsyncIterable<Buffer> };
  /** Overrides the names inside the file. */
  name?: string;
  /** The file is a plain tar of a root file system and becomes the one layer of an image. */
  rootfs?: RootfsTerms;
}

export interface RootfsTerms {
  /** Instructions of a Dockerfile that only change the configuration: `CMD ["sh"]`, `ENV A=1`. */
  changes: string[];
  /** `linux/arm64`; the machine's own when absent. */
  platform?: string;
}

export interface LoginRequest {
  /** `docker.io`, `registry.example.com:5000` */
  registry: string;
  credentials: RegistryCredentials;
  /** As in PullRequest. */
  outside?: true;
}

export interface PruneRequest {
  /** Also images with a name, when nothing uses them. */
  all: boolean;
  /** Only those that came longer ago than this, in milliseconds. */
  olderThan?: number;
  /** Only those with all of these labels. */
  labels?: LabelFilter[];
  /** Removes nothing, and tells what it would. */
  dryRun?: boolean;
  /** With dryRun: users that are taken for gone, as `usedBy` names them. */
  without?: string[];
}

export interface LabelFilter {
  key: string;
  /** Absent: whatever it is. */
  value?: string;
}
