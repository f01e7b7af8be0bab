import type { SystemInfo } from '../../core/api/core-api.ts';
import type { ImageInfo } from '../../core/model/image.ts';
import { formatAge, formatSize } from '../../core/model/quantity.ts';
import { familiarName } from '../../core/model/reference.ts';
import type { Listing } from './output.ts';
import { timestamp } from './sandbox-view.ts';

/** A row of `image list` as `-o json` shows it. */
export interface ImageView {
  references: string[];
  digest: string;
  size_bytes: number;
  architecture: string;
  imported_at: string;
}

export const imageView = (image: ImageInfo): ImageView => ({
  references: image.references,
  digest: image.digest,
  size_bytes: image.size,
  architecture: image.architecture,
  imported_at: timestamp(image.importedAt),
});

export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12);

export function imageListing(images: ImageInfo[], now: number, full: boolean): Listing<ImageView> {
  const digest = (image: ImageView): string => (full ? image.digest : shortDigest(image.digest));
  return {
    items: images.map(imageView),
    columns: [
      {
        title: 'IMAGE',
        value: (i) => (i.references.length === 0 ? '<none>' : i.references.map(familiarName).join(', ')),
      },
      { title: 'DIGEST', value: digest },
      { title: 'SIZE', value: (i) => (i.size_bytes === 0 ? '' : formatSize(i.size_bytes)) },
      { title: 'AGE', value: (i) => formatAge(now - Date.parse(i.imported_at)) },
      { title: 'ARCHITECTURE', wide: true, value: (i) => i.architecture },
    ],
    name: (i) => i.references[0] ?? i.digest,
    id: digest,
  };
}

export interface VersionView {
  client: { version: string; node_version: string };
  /** Null when no core was asked or none runs. */
  core: { version: string; node: string; pid: number; runtime: string; root: string } | null;
}

export function versionListing(
  version: string,
  nodeVersion: string,
  core: SystemInfo | undefined,
): Listing<VersionView> {
  const view: VersionView = {
    client: { version, node_version: nodeVersion },
    core: core
      ? { version: core.version, node: core.node, pid: core.pid, runtime: core.runtime, root: core.root }
      : null,
  };
  return {
    items: [view],
    single: true,
    columns: [],
    name: (v) => v.client.version,
    describe: (v) =>
      `fsb-ctl: ${v.client.version} (node ${v.client.node_version})\n` +
      (v.core === null
        ? ''
        : `core:    ${v.core.version} (pid ${v.core.pid}, ${v.core.runtime}, ${v.core.root})\n`),
  };
}
