import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import { Turns } from '../../model/async/turns.ts';
import type { Clock } from '../../model/clock.ts';
import { throwIfAborted } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { shortDigest } from '../../model/image/digest.ts';
import type { LayerProgress, LayerState } from '../../model/image/pull.ts';
import { flushToDisk } from '../content/flush.ts';
import type { ImageContent } from '../content/image-content.ts';
import type { ImageRecord } from '../content/image-records.ts';
import type { FoundImage, FoundLayer, ImageDocument } from '../format/found-image.ts';
import type { Launch } from '../launch.ts';
import type { NamedImage } from '../names/image-names.ts';
import type { Publisher } from '../names/publisher.ts';
import { UnpackBudget, type UnpackLimits } from '../unpack/budget.ts';
import type { Unpacker } from '../unpack/unpacker.ts';
import { recordOf } from './new-record.ts';

/** Where images come in: what the store has, how it unpacks, and how it takes images on record. */
export interface Intake {
  content: ImageContent;
  unpacker: Unpacker;
  launch: Launch;
  /** Of one image. */
  limits?: Partial<UnpackLimits>;
  /** Layers of one image that are read at a time. */
  downloads?: number;
  clock: Clock;
  publisher: Publisher;
}

export interface IngestWatcher {
  onLayer?: (layer: LayerProgress) => void;
  /** For people. */
  onNote?: (message: string) => void;
}

const USUAL_DOWNLOADS = 3;

/** Everything of an image that is kept as it came. */
const blobsOf = ({ manifest, configuration, layers }: FoundImage): string[] => [
  manifest.digest,
  configuration.digest,
  ...layers.map(({ digest }) => digest),
];

/** It is on record, and nothing of it has to be brought. */
export const isHere = (image: FoundImage, intake: Intake): boolean =>
  intake.content.records.get(image.manifest.digest) !== undefined &&
  blobsOf(image).every((digest) => intake.content.blobs.pathOf(digest) !== undefined) &&
  image.layers.every((layer) => isPresent(layer, intake));

const isPresent = ({ digest, diffId }: FoundLayer, { content }: Intake): boolean =>
  content.blobs.pathOf(digest) !== undefined && content.layers.isWhole(diffId);

export const progressOf = (
  { digest, size }: Pick<FoundLayer, 'digest' | 'size'>,
  state: LayerState,
  current = 0,
): LayerProgress => ({ id: shortDigest(digest), state, current, total: size });

/**
 * Brings images into the store: every blob as it came, every layer unpacked, each once and verified. They are on record
 * when all of it is durable, and all in one step; before that, nothing of them can be seen.
 */
export async function ingestImages(
  images: readonly NamedImage[],
  intake: Intake,
  watcher: IngestWatcher = {},
  signal?: AbortSignal,
): Promise<ImageRecord[]> {
  const { content, publisher, clock } = intake;
  const unpin = content.pin({
    blobs: images.flatMap(({ image }) => [...blobsOf(image), ...(image.index ? [image.index.digest] : [])]),
    layers: images.flatMap(({ image }) => image.layers.map(({ diffId }) => diffId)),
  });
  try {
    const missing = images.filter(({ image }) => !isHere(image, intake));
    for (const { image } of missing) await ingestContent(image, intake, watcher, signal);
    const indexes = images.flatMap(({ image: { index } }) => (index ? [index] : []));
    const newIndexes = indexes.filter(({ digest }) => content.blobs.pathOf(digest) === undefined);
    for (const index of newIndexes) await keep(index, intake, signal);
    throwIfAborted(signal);
    failpoint('ingest.complete');
    if (missing.length + newIndexes.length > 0) await flushToDisk(content.root, intake.launch);
    failpoint('ingest.flushed');
    throwIfAborted(signal);
    await publisher.publish(
      images.map((one) => recordOf(one, recordIn(content, one)?.importedAt ?? clock.now())),
    );
    return images.map((one) => recordIn(content, one)!);
  } finally {
    unpin();
  }
}

const recordIn = ({ records }: ImageContent, { image }: NamedImage): ImageRecord | undefined =>
  records.get(image.manifest.digest);

async function ingestContent(
  image: FoundImage,
  intake: Intake,
  watcher: IngestWatcher,
  signal?: AbortSignal,
): Promise<void> {
  const terms = {
    ...{ intake, watcher },
    turns: new Turns(intake.downloads ?? USUAL_DOWNLOADS),
    budget: UnpackBudget.of(intake.limits),
  };
  await all(
    [...new Map(image.layers.map((layer) => [layer.digest, layer])).values()],
    signal,
    (layer, either) => ingestLayer(layer, terms, either),
  );
  for (const document of [image.configuration, image.manifest]) await keep(document, intake, signal);
}

/** Ends only when all have ended: the first failure stops the others. */
async function all<T>(
  things: readonly T[],
  signal: AbortSignal | undefined,
  work: (thing: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failing = new AbortController();
  const either = signal ? AbortSignal.any([signal, failing.signal]) : failing.signal;
  // Every layer waits with it, and an image may have a hundred: that is no leak.
  setMaxListeners(0, either);
  const fail = (error: unknown): void => {
    if (!failing.signal.aborted) failing.abort(error);
  };
  await Promise.all(things.map((thing) => work(thing, either).catch(fail)));
  if (failing.signal.aborted) throw failing.signal.reason;
}

/** What the layers of one image share on their way in. */
interface LayerTerms {
  intake: Intake;
  turns: Turns;
  budget: UnpackBudget;
  watcher: IngestWatcher;
}

async function ingestLayer(
  layer: FoundLayer,
  { intake, turns, budget, watcher: { onLayer, onNote } }: LayerTerms,
  signal: AbortSignal,
): Promise<void> {
  const tell = (state: LayerState, current = 0): void => onLayer?.(progressOf(layer, state, current));
  if (isPresent(layer, intake)) return tell('present', layer.size);
  const blob = await turns.take('download', () => download(layer, intake, tell, onNote, signal), signal);
  await intake.content.layers.ensure(
    layer.diffId,
    (directory) => {
      tell('unpacking');
      return intake.unpacker.unpack(
        {
          ...{ blob, directory, diffId: layer.diffId, budget },
          onProgress: (bytes) => tell('unpacking', bytes),
        },
        signal,
      );
    },
    signal,
  );
  tell('done', layer.size);
}

async function download(
  layer: FoundLayer,
  { content: { blobs } }: Intake,
  tell: (state: LayerState, current?: number) => void,
  onNote: IngestWatcher['onNote'],
  signal: AbortSignal,
): Promise<string> {
  let current = 0;
  const onRetry = (why: string): void => {
    tell('retrying', current);
    onNote?.(why);
  };
  if (blobs.pathOf(layer.digest) === undefined) tell('downloading');
  const path = await blobs.ensure(layer, (offset) => layer.read(offset, { onRetry, signal }), {
    onProgress: (bytes) => {
      current = bytes;
      tell('downloading', bytes);
    },
    signal,
  });
  tell('downloaded', layer.size);
  return path;
}

async function keep(document: ImageDocument, { content }: Intake, signal?: AbortSignal): Promise<void> {
  const { digest, body } = document;
  await content.blobs.ensure(
    { digest, size: body.length },
    (offset) => Readable.from([body.subarray(offset)]),
    {
      signal,
    },
  );
}
