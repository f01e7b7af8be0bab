import { FsbError } from '../model/failure/errors.ts';
import type { ImageDetails, ImageInfo, ResolvedImage } from '../model/image/image.ts';
import type { Platform } from '../model/image/platform.ts';
import { familiarName, HOST_IMAGE } from '../model/image/reference.ts';
import type { Holds } from './content/holds.ts';
import type { ImageContent } from './content/image-content.ts';
import type { ImageRecord } from './content/image-records.ts';
import type { HostImage } from './host/host-image.ts';
import { hostDetails, hostInfo, imageDetails, imageInfo } from './image-info.ts';
import { findRecord, imageNotFound } from './names/lookup.ts';
import { firstName, nameMeant } from './names/record-names.ts';

export interface CatalogueOptions {
  content: ImageContent;
  holds: Holds;
  host: HostImage;
  platform: Platform;
}

/** What images there are, the built-in one among them, and what they look like. */
export class Catalogue {
  readonly #content: ImageContent;
  readonly #holds: Holds;
  readonly #host: HostImage;
  readonly #platform: Platform;

  constructor({ content, holds, host, platform }: CatalogueOptions) {
    this.#content = content;
    this.#holds = holds;
    this.#host = host;
    this.#platform = platform;
  }

  /** Not one that is just being removed. @throws image_not_found, with `notFound`'s hint; invalid_argument */
  find(reference: string, notFound = imageNotFound): ImageRecord {
    const records = this.#content.records.all().filter(({ digest }) => !this.#holds.isLeaving(digest));
    const record = findRecord(records, reference);
    if (record === undefined) throw notFound(records, reference);
    return record;
  }

  /** As ImageStore.resolve. */
  async resolve(reference: string, digest?: string): Promise<ResolvedImage> {
    const host = await this.#hostFor(digest ?? reference);
    if (host !== undefined) return host;
    const record = digest === undefined ? this.find(reference) : this.#findExact(reference, digest);
    // An overlay refuses a directory twice. A layer that comes again hides all that its first time brought.
    const diffIds = new Set(record.layers.map(({ diffId }) => diffId).reverse());
    const lower = [...diffIds].map((diffId) => this.#content.layers.pathOf(diffId));
    if (lower.includes(undefined)) throw lostLayer(record, reference);
    return {
      // People know it by its name, also where only the digest is on record.
      reference: nameMeant(record, reference) ?? firstName(record),
      digest: record.digest,
      platform: platformOf(record),
      config: record.config,
      root: {
        overlays: [{ target: '/', lower: lower.length === 0 ? [this.#content.empty] : (lower as string[]) }],
        directories: record.config.volumes,
      },
    };
  }

  /** @throws image_not_found: the name may mean another image by now, so there is nothing to guess */
  #findExact(reference: string, digest: string): ImageRecord {
    try {
      return this.find(digest);
    } catch (error) {
      const name = familiarName(reference);
      throw new FsbError('image_not_found', `image ${name} is not here any more as ${digest}`, {
        hint: `Pull it again: fsb-ctl image pull ${name}`,
        cause: error,
      });
    }
  }

  async list(): Promise<ImageInfo[]> {
    // Without room for a new one there is none now; whoever looks for what to remove must see the others.
    const host = await this.#host.resolve().catch((error: unknown) => {
      if (FsbError.from(error).code === 'no_capacity') return undefined;
      throw error;
    });
    const images = this.infos(this.#content.records.all()).sort((a, b) => compare(sortKey(a), sortKey(b)));
    return host === undefined ? images : [this.#hostInfo(host.digest), ...images];
  }

  async inspect(reference: string): Promise<ImageDetails> {
    const host = await this.#hostFor(reference);
    if (host !== undefined) return hostDetails(this.#hostInfo(host.digest), host);
    return imageDetails(this.find(reference), this.#content);
  }

  infos(records: readonly ImageRecord[]): ImageInfo[] {
    const sizes = this.#content.sizes();
    return records.map((record) => imageInfo(record, sizes));
  }

  async #hostFor(reference: string): Promise<ResolvedImage | undefined> {
    return reference === HOST_IMAGE ? this.#host.resolve() : this.#host.withDigest(reference);
  }

  #hostInfo(digest: string): ImageInfo {
    return hostInfo(digest, this.#platform.architecture, this.#host.builtAt);
  }
}

function lostLayer(record: ImageRecord, reference: string): FsbError {
  const name = familiarName(nameMeant(record, reference) ?? firstName(record));
  const wasPulled = record.repoDigests.length > 0;
  return new FsbError('internal', `image ${familiarName(reference)} has lost a layer`, {
    hint: wasPulled ? `Pull it again: fsb-ctl image pull ${name}` : 'Import it again from its file.',
  });
}

/** Of one that an earlier version imported no variant is known. */
const platformOf = ({ architecture, variant }: ImageRecord): Platform => ({
  ...{ os: 'linux', architecture },
  ...(variant !== '' && { variant }),
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Those without a name last. */
const sortKey = ({ references, repoDigests, digest }: ImageInfo): string =>
  references[0] ?? repoDigests[0] ?? `~${digest}`;
