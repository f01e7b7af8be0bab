import { FsbError, recoded } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { RegistryCredentials } from '../../model/image/image-requests.ts';
import type { Platform } from '../../model/image/platform.ts';
import type { LayerProgress } from '../../model/image/pull.ts';
import {
  canonicalReference,
  familiarReference,
  type ImageReference,
  repositoryOf,
} from '../../model/image/reference.ts';
import type { ImageRecord } from '../content/image-records.ts';
import type { FoundImage } from '../format/found-image.ts';
import { type Intake, ingestImages, isHere, progressOf } from '../intake/ingest.ts';
import { importError } from '../intake/intake-error.ts';
import { recordOf } from '../intake/new-record.ts';
import type { NamedImage } from '../names/image-names.ts';
import type { Registries, RemoteRepository } from '../registry/registries.ts';
import { findRemoteImage } from './remote-image.ts';

export interface PullTerms {
  reference: ImageReference;
  platform: Platform;
  credentials?: RegistryCredentials;
  /** As in PullRequest. */
  outside?: true;
}

/** Whom a pull tells how it goes. */
export interface PullReport {
  /** @param digest what the registry calls the reference */
  resolved(digest: string, layers: LayerProgress[]): void;
  layer(layer: LayerProgress): void;
  note(message: string): void;
}

export interface PulledImage {
  /** What the registry calls the reference, maybe of an index. */
  digest: string;
  /** Nothing had to be brought, and the name means what it meant. */
  upToDate: boolean;
  record: ImageRecord;
}

const BAD_IMAGE_HINT = 'Pull it again; if that does not help, the fault is with the image or its registry.';

/**
 * Brings one image from its registry into the store.
 * @throws as ImageApi.pull; what came of blobs before is kept for the next time
 */
export async function pullImage(
  terms: PullTerms,
  registries: Registries,
  intake: Intake,
  report: PullReport,
  signal: AbortSignal,
): Promise<PulledImage> {
  try {
    const repository = await registries.repository(terms.reference, terms.credentials, terms.outside);
    return await pull(terms, repository, intake, report, signal).catch((error: unknown) => {
      // What was said was right: nothing but what came can be wrong.
      throw recoded(error, 'invalid_argument', 'bad_image', BAD_IMAGE_HINT);
    });
  } catch (error) {
    throw importError(error, `cannot pull ${familiarReference(terms.reference)}`, signal);
  }
}

async function pull(
  { reference, platform }: PullTerms,
  repository: RemoteRepository,
  intake: Intake,
  report: PullReport,
  signal: AbortSignal,
): Promise<PulledImage> {
  const options = { onRetry: report.note, signal };
  const { digest, image } = await findRemoteImage(
    { repository, blobs: intake.content.blobs, mayBeHere: hasAnyOf(reference, intake), options },
    reference,
    platform,
  );
  const named: NamedImage = { image, ...namesOf(reference, digest) };
  const here = isHere(image, intake);
  const upToDate = here && !movesName(named, intake);
  failpoint('pull.resolved');
  report.resolved(digest, layersOf(image, here));
  const watcher = { onLayer: report.layer, onNote: report.note };
  try {
    const [record] = await ingestImages([named], intake, watcher, signal);
    return { digest, upToDate, record: record! };
  } catch (error) {
    // What came is kept for the next pull, but not at the cost of everybody else on a full disk.
    if (FsbError.from(error).code === 'no_capacity')
      await intake.content.drop(recordOf(named, 0)).catch(() => {});
    throw error;
  }
}

/** Whether an image of the same repository is here. */
function hasAnyOf(reference: ImageReference, { content }: Intake): boolean {
  const name = repositoryOf(reference);
  return content.records
    .all()
    .some(({ references, repoDigests }) =>
      [...references, ...repoDigests].some((one) => one.startsWith(`${name}:`) || one.startsWith(`${name}@`)),
    );
}

/** Whether a name means another image until now, be it for another platform. */
function movesName({ image, references }: NamedImage, { content }: Intake): boolean {
  const meant = references.map((name) => content.records.byReference(name));
  return meant.some((record) => record !== undefined && record.digest !== image.manifest.digest);
}

/** As for docker, a tag beside a digest says nothing: the name does not follow it. */
function namesOf(reference: ImageReference, digest: string): Pick<NamedImage, 'references' | 'repoDigests'> {
  return {
    references: reference.digest === undefined ? [canonicalReference(reference)] : [],
    repoDigests: [`${repositoryOf(reference)}@${digest}`],
  };
}

function layersOf({ layers }: FoundImage, here: boolean): LayerProgress[] {
  const each = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
  return each.map((layer) =>
    here ? progressOf(layer, 'present', layer.size) : progressOf(layer, 'waiting'),
  );
}
