import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { eachWithEither, withEither } from '../model/async/either-signal.ts';
import { endsWithin } from '../model/async/ends-within.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import type {
  ImageDetails,
  ImageInfo,
  ImportedImage,
  PruneResult,
  RemovedImage,
  ResolvedImage,
} from '../model/image/image.ts';
import type {
  ImportRequest,
  LoginRequest,
  PruneRequest,
  PullRequest,
} from '../model/image/image-requests.ts';
import { machineArchitecture, type Platform } from '../model/image/platform.ts';
import type { LayerProgress, PullEvent } from '../model/image/pull.ts';
import { canonicalReference, HOST_IMAGE } from '../model/image/reference.ts';
import { Catalogue } from './catalogue.ts';
import { Holds } from './content/holds.ts';
import { ImageContent } from './content/image-content.ts';
import { storeUsage } from './content/store-usage.ts';
import { happening, type OnHappening } from './happenings.ts';
import { HostImage } from './host/host-image.ts';
import type { ImageStoreUsage, LocalImageStore, PruneTerms, RemoveTerms } from './image-store.ts';
import type { ImageStoreOptions } from './image-store-options.ts';
import { importImages } from './intake/import-images.ts';
import type { Intake } from './intake/ingest.ts';
import { imageNotFound } from './names/lookup.ts';
import { Publisher } from './names/publisher.ts';
import { tagImage } from './names/tag-image.ts';
import { pullImage } from './pull/pull-image.ts';
import { pullTerms } from './pull/pull-terms.ts';
import { Pulls } from './pull/pulls.ts';
import type { Registries } from './registry/registries.ts';
import { Removal } from './removal/removal.ts';
import { imagesMeant } from './save/images-meant.ts';
import { saveImages } from './save/save-images.ts';
import { createUnpacker } from './unpack/threads/worker-unpacker.ts';

/** Milliseconds. Whoever tries an interrupted pull again does it within the hour. */
const GRACE = 3_600_000;

/** Milliseconds that close() waits for what is under way. */
const CLOSE_LIMIT = 5_000;

/** Opens the store, and removes what a crash left half-done in it. One core at a time may have it open. */
export async function createImageStore(options: ImageStoreOptions): Promise<LocalImageStore> {
  const { log, launch, clock, grace = GRACE } = options;
  const root = join(options.stateDir, 'images');
  const content = await ImageContent.open({ root, launch, grace, clock, log });
  return imageStoreOn(content, options);
}

/** A store on content that is open; it closes it. */
export const imageStoreOn = (content: ImageContent, options: ImageStoreOptions): LocalImageStore =>
  new OverlayImageStore(options, content);

class OverlayImageStore implements LocalImageStore {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #happened: OnHappening;
  readonly #content: ImageContent;
  readonly #host: HostImage;
  readonly #holds = new Holds();
  readonly #catalogue: Catalogue;
  readonly #publisher: Publisher;
  readonly #removal: Removal;
  readonly #registries: Registries;
  readonly #intake: Intake;
  readonly #pulls: Pulls;
  readonly #platform: Platform;
  readonly #closing = new AbortController();
  readonly #working = new Set<Promise<unknown>>();
  #isRecovered = false;

  constructor(options: ImageStoreOptions, content: ImageContent) {
    const { log, clock, launch, limits, registries, happened = () => {} } = options;
    const { architecture = machineArchitecture(), hostRoot = '/' } = options;
    const platform = { os: 'linux', architecture };
    this.#platform = platform;
    this.#registries = registries;
    const holds = this.#holds;
    this.#log = log;
    this.#clock = clock;
    // Every call listens to it; Node takes more than ten for a leak.
    setMaxListeners(0, this.#closing.signal);
    this.#happened = happened;
    this.#content = content;
    this.#publisher = new Publisher(content.records, happened);
    const replaced = (digest: string): void => this.#publisher.tell([digest]);
    const directory = join(content.root, 'host');
    this.#host = new HostImage({ directory, staging: content.staging, hostRoot, replaced, clock, log });
    this.#catalogue = new Catalogue({ content, holds, host: this.#host, platform });
    const isHost = (digest: string): boolean => this.#host.has(digest);
    this.#removal = new Removal({ content, holds, isHost, catalogue: this.#catalogue, happened, log });
    const unpacker = createUnpacker({ launch, clock });
    this.#intake = { content, unpacker, launch, limits, clock, publisher: this.#publisher };
    this.#pulls = new Pulls({
      clock,
      pull: async (terms, report, signal) => {
        const { record, ...pulled } = await pullImage(terms, registries, this.#intake, report, signal);
        log.info({ image: record.digest, reference: canonicalReference(terms.reference) }, 'image pulled');
        happened(happening(record, { type: 'pulled' }));
        return { ...pulled, image: this.#catalogue.infos([record])[0]! };
      },
    });
  }

  resolve(reference: string, digest?: string): Promise<ResolvedImage> {
    return this.#catalogue.resolve(reference, digest);
  }

  hold(digest: string): () => void {
    if (!this.#isHere(digest)) throw imageNotFound(this.#content.records.all(), digest);
    return this.#holds.add(digest, () => this.#released(digest));
  }

  onNamesChanged(listener: (replaced: readonly string[]) => void): () => void {
    return this.#publisher.onNamesChanged(listener);
  }

  async *pull(request: PullRequest, signal?: AbortSignal): AsyncGenerator<PullEvent> {
    yield* this.#pulls.pull(pullTerms(request, this.#platform), signal);
  }

  import(
    request: ImportRequest,
    signal?: AbortSignal,
    onLayer?: (layer: LayerProgress) => void,
  ): Promise<ImportedImage[]> {
    const ground = { intake: this.#intake, platform: this.#platform, onLayer };
    return this.#untilClosing(signal, async (until) => {
      const imported = await importImages(request, ground, until);
      const records = imported.map(({ record }) => record);
      for (const record of records) this.#happened(happening(record, { type: 'imported' }));
      return this.#catalogue
        .infos(records)
        .map((info, index) => ({ ...info, loaded: imported[index]!.loaded }));
    });
  }

  tag(source: string, target: string): Promise<void> {
    const isHost = (reference: string): boolean => this.#isHost(reference);
    return this.#work(
      tagImage(source, target, { catalogue: this.#catalogue, publisher: this.#publisher, isHost }),
    );
  }

  async *save(references: string[], signal?: AbortSignal): AsyncGenerator<Buffer> {
    const images = imagesMeant(references, (reference) => this.#catalogue.find(reference));
    yield* eachWithEither(signal, this.#closing.signal, (until) => saveImages(images, this.#content, until));
  }

  login(request: LoginRequest, signal?: AbortSignal): Promise<{ identityToken?: string }> {
    const { registry, credentials, outside } = request;
    return this.#untilClosing(signal, (until) =>
      this.#registries.login(registry, credentials, until, outside),
    );
  }

  list(): Promise<ImageInfo[]> {
    return this.#catalogue.list();
  }

  inspect(reference: string): Promise<ImageDetails> {
    return this.#catalogue.inspect(reference);
  }

  async remove(reference: string, terms?: RemoveTerms): Promise<RemovedImage> {
    if (this.#isHost(reference))
      throw new FsbError('conflict', 'the image host is built in and cannot be removed', {
        hint: 'It is this machine itself, and takes no room. To keep none of it warm: fsb-ctl pool stop',
      });
    return this.#untilClosing(terms?.signal, (signal) =>
      this.#removal.remove(reference, { ...terms, signal }),
    );
  }

  prune(request: PruneRequest, terms?: PruneTerms): Promise<PruneResult> {
    return this.#untilClosing(terms?.signal, (signal) => this.#removal.prune(request, { ...terms, signal }));
  }

  usage(isUsed: (digest: string) => boolean): ImageStoreUsage {
    return storeUsage(this.#content, isUsed);
  }

  async sweep(): Promise<void> {
    this.#isRecovered = true;
    await this.#host.removeOld((digest) => this.#holds.has(digest));
    await this.#removal.sweep();
  }

  async close(): Promise<void> {
    this.#closing.abort(new FsbError('unavailable', 'the core is shutting down'));
    if (!(await endsWithin(this.#clock, CLOSE_LIMIT, this.#settled())))
      this.#log.error('the image store closed before all that was under way in it had ended');
  }

  async #settled(): Promise<void> {
    await this.#pulls.close();
    while (this.#working.size > 0) await Promise.allSettled(this.#working);
    await this.#intake.unpacker.close();
    await this.#content.close();
  }

  #released(digest: string): void {
    const record = this.#content.records.get(digest);
    // Before recovery has ended, others that use it may not have said so yet.
    if (!this.#isRecovered || (record !== undefined && !record.removed)) return;
    const going: Promise<unknown> = record ? this.#removal.takeRetired(digest) : this.sweep();
    this.#work(going).catch((error: unknown) =>
      this.#log.warn({ err: error, image: digest }, 'cannot remove an image that nobody uses any more'),
    );
  }

  #isHere(digest: string): boolean {
    if (this.#holds.isLeaving(digest)) return false;
    if (this.#content.records.get(digest) !== undefined || this.#host.has(digest)) return true;
    // What runs since before this core runs on something, also when the list of images was lost.
    return !this.#isRecovered;
  }

  #isHost(reference: string): boolean {
    return reference === HOST_IMAGE || this.#host.isMeantBy(reference);
  }

  #untilClosing<T>(signal: AbortSignal | undefined, work: (until: AbortSignal) => Promise<T>): Promise<T> {
    return this.#work(withEither(signal, this.#closing.signal, work));
  }

  /** close() waits for it. */
  #work<T>(work: Promise<T>): Promise<T> {
    this.#working.add(work);
    const done = (): void => void this.#working.delete(work);
    work.then(done, done);
    return work;
  }
}
