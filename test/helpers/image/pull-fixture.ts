import { afterEach, beforeEach } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { PullRequest } from '../../../src/core/model/image/image-requests.ts';
import type { PullEvent } from '../../../src/core/model/image/pull.ts';
import {
  addBlob,
  addImage,
  type Descriptor,
  type LayoutFiles,
  ociArchitecture,
  ociMediaTypes,
} from './image-files.ts';
import { ImageStoreFixture, tinyImage } from './image-store-fixture.ts';
import { MemoryRegistries } from './memory-registry.ts';

type DoneEvent = Extract<PullEvent, { kind: 'done' }>;

/** A store with registries in memory: `tiny` is an index with an image for this machine. */
export class PullFixture extends ImageStoreFixture {
  files: LayoutFiles = new Map();
  registries!: MemoryRegistries;
  /** The index, and its manifest for this machine. */
  index!: Descriptor;
  manifest!: Descriptor;

  override async setUp(): Promise<void> {
    this.files = new Map();
    this.manifest = addImage(this.files, await tinyImage(undefined, 'A'));
    const other = addImage(this.files, await tinyImage(undefined, 'S', { architecture: 's390x' }));
    this.index = this.addIndex([
      { ...other, platform: { os: 'linux', architecture: 's390x' } },
      { ...this.manifest, platform: { os: 'linux', architecture: ociArchitecture } },
    ]);
    this.registries = new MemoryRegistries(this.files, { latest: this.index });
    await super.setUp();
  }

  override open(): Promise<void> {
    return super.open({ registries: this.registries });
  }

  addIndex(manifests: Descriptor[]): Descriptor {
    const body = { schemaVersion: 2, mediaType: ociMediaTypes.index, manifests };
    return addBlob(this.files, ociMediaTypes.index, Buffer.from(JSON.stringify(body)));
  }

  addDocument(document: object, mediaType = ociMediaTypes.manifest): Descriptor {
    return addBlob(this.files, mediaType, Buffer.from(JSON.stringify(document)));
  }

  pull(request: string | PullRequest, signal?: AbortSignal): Promise<DoneEvent> {
    return pulled(this.store.pull(typeof request === 'string' ? { reference: request } : request, signal));
  }
}

export function usePullFixture(): PullFixture {
  const fixture = new PullFixture();
  beforeEach(() => fixture.setUp());
  afterEach(() => fixture.tearDown());
  return fixture;
}

/** Tells the events in which a layer is so far. */
export const inState =
  (state: string) =>
  (event: PullEvent): boolean =>
    event.kind === 'layer' && event.layer.state === state;

/** Reads to the end. @throws what the pull throws */
export async function pulled(events: AsyncIterable<PullEvent>): Promise<DoneEvent> {
  let last: PullEvent | undefined;
  for await (const event of events) last = event;
  if (last?.kind !== 'done') throw new FsbError('internal', 'the pull ended without done');
  return last;
}
