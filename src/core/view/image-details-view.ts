import type { ImageDetails } from '../model/image/image.ts';
import { type ImageView, imageView } from './image-view.ts';
import { momentOf } from './timestamp.ts';

/** `image inspect` as `-o json` and `-o yaml` show it. */
export interface ImageDetailsView extends ImageView {
  /** Docker's image id. */
  config_digest: string;
  media_type: string;
  author: string;
  config: {
    entrypoint: string[];
    cmd: string[];
    /** `K=V` */
    env: string[];
    user: string;
    working_dir: string;
    stop_signal: string | null;
    exposed_ports: number[];
    labels: Record<string, string>;
  };
  /** Bottom first. */
  layers: {
    /** Of the layer as it came. */
    digest: string;
    /** Of the plain tar. */
    diff_id: string;
    media_type: string;
    size_bytes: number;
    unpacked_size_bytes: number;
  }[];
  /** Oldest first. */
  history: { created: string | null; created_by: string; comment: string; empty: boolean }[];
}

export function imageDetailsView(image: ImageDetails): ImageDetailsView {
  const { config } = image;
  return {
    ...imageView(image),
    config_digest: image.configDigest,
    media_type: image.mediaType,
    author: image.author,
    config: {
      ...{ entrypoint: config.entrypoint, cmd: config.cmd, env: config.env, user: config.user },
      ...{ working_dir: config.workingDir, stop_signal: config.stopSignal ?? null },
      ...{ exposed_ports: config.exposedPorts, labels: config.labels },
    },
    layers: image.layers.map(({ digest, diffId, mediaType, size, unpackedSize }) => ({
      ...{ digest, diff_id: diffId, media_type: mediaType },
      ...{ size_bytes: size, unpacked_size_bytes: unpackedSize },
    })),
    history: image.history.map(({ createdAt, createdBy, comment, empty }) => ({
      ...{ created: momentOf(createdAt), created_by: createdBy, comment, empty },
    })),
  };
}
