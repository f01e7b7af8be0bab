import { FsbError } from '../../model/failure/errors.ts';
import { formatPlatform, machinePlatform, type Platform } from '../../model/image/platform.ts';
import { type Descriptor, indexSchema, parseDocument } from './documents.ts';
import { isIndexType } from './media-types.ts';

const ATTESTATION = 'vnd.docker.reference.type';
const DEEPEST_INDEX = 4;
const MOST_INDEXES = 64;
const MOST_DESCRIPTORS = 10_000;

/** Newest first: a machine that runs one runs those after it. */
const VARIANTS: Record<string, { order: string[]; plain: string }> = {
  amd64: { order: ['v4', 'v3', 'v2', 'v1'], plain: 'v1' },
  arm64: { order: ['v9', 'v8'], plain: 'v8' },
  arm: { order: ['v8', 'v7', 'v6', 'v5'], plain: 'v7' },
};

export const isAttestation = ({ annotations }: Descriptor): boolean => annotations[ATTESTATION] !== undefined;

/**
 * The manifest for a platform among those that descriptors lead to, through indexes of any depth.
 * @param read gives the verified index of a descriptor
 * @throws image_not_found when there is none, with what there is; invalid_argument (not valid, or far too much)
 */
export async function chooseManifest(
  descriptors: readonly Descriptor[],
  wanted: Platform,
  read: (index: Descriptor) => Promise<Buffer>,
): Promise<Descriptor> {
  const { chosen, offered } = await findManifest(descriptors, wanted, read);
  if (chosen === undefined) throw otherPlatform(offered, wanted);
  return chosen;
}

/** As chooseManifest, for callers that can go on without. */
export async function findManifest(
  descriptors: readonly Descriptor[],
  wanted: Platform,
  read: (index: Descriptor) => Promise<Buffer>,
): Promise<{ chosen?: Descriptor; offered: Platform[] }> {
  const search: Search = { wanted, read, indexes: 0, descriptors: 0, seen: new Set(), offered: new Map() };
  await searchIn(descriptors, search, DEEPEST_INDEX);
  return { chosen: search.best?.leaf, offered: [...search.offered.values()] };
}

interface Search {
  wanted: Platform;
  read: (index: Descriptor) => Promise<Buffer>;
  indexes: number;
  descriptors: number;
  /** Digests of indexes: each is read once. */
  seen: Set<string>;
  /** Each platform once, by its name. */
  offered: Map<string, Platform>;
  /** The first of the best. */
  best?: { leaf: Descriptor; rank: number };
}

/** Bounded: a few small indexes that name each other many times could keep the core at it for ever. */
async function searchIn(descriptors: readonly Descriptor[], search: Search, depth: number): Promise<void> {
  search.descriptors += descriptors.length;
  if (search.descriptors > MOST_DESCRIPTORS)
    throw new FsbError('invalid_argument', `its indexes have more than ${MOST_DESCRIPTORS} entries`);
  for (const descriptor of descriptors) {
    if (isAttestation(descriptor)) continue;
    if (isIndexType(descriptor.mediaType)) await searchIndex(descriptor, search, depth);
    else consider(descriptor, search);
  }
}

async function searchIndex(descriptor: Descriptor, search: Search, depth: number): Promise<void> {
  if (search.seen.has(descriptor.digest)) return;
  search.seen.add(descriptor.digest);
  if (depth === 0) throw new FsbError('invalid_argument', 'its indexes are nested too deeply');
  search.indexes += 1;
  if (search.indexes > MOST_INDEXES)
    throw new FsbError('invalid_argument', `it has more than ${MOST_INDEXES} indexes`);
  const body = await search.read(descriptor);
  const index = parseDocument(indexSchema, body, `the index ${descriptor.digest}`);
  await searchIn(index.manifests, search, depth - 1);
}

function consider(leaf: Descriptor, search: Search): void {
  const platform = platformOf(leaf);
  search.offered.set(formatPlatform(platform), platform);
  const rank = rankOf(leaf, search.wanted);
  if (rank !== undefined && (search.best === undefined || rank < search.best.rank))
    search.best = { leaf, rank };
}

/** 0 is the very variant; undefined does not run. */
function rankOf({ platform }: Descriptor, wanted: Platform): number | undefined {
  // What has no platform is judged by its configuration, later.
  if (!platform || platform.architecture === '') return Number.MAX_SAFE_INTEGER;
  if (platform.os !== wanted.os || platform.architecture !== wanted.architecture) return undefined;
  return variantRank(wanted.architecture, platform.variant ?? '', wanted.variant ?? '');
}

function variantRank(architecture: string, offered: string, wanted: string): number | undefined {
  if (offered === wanted) return 0;
  const known = VARIANTS[architecture];
  const order = known?.order ?? [];
  const top = order.indexOf(wanted || (known?.plain ?? ''));
  const place = order.indexOf(offered || (known?.plain ?? ''));
  if (top >= 0 && place >= top) return 1 + place - top;
  // It was built for the architecture as a whole.
  return offered === '' ? order.length + 1 : undefined;
}

/**
 * What an image's configuration says that it was built for.
 * @throws image_not_found when that is not what was asked for
 */
export function assertRunsOn(
  said: { os: string; architecture: string; variant?: string },
  wanted: Platform,
): Platform {
  const platform: Platform = {
    os: said.os || 'linux',
    architecture: said.architecture || wanted.architecture,
    ...(said.variant && { variant: said.variant }),
  };
  const runs =
    platform.os === wanted.os &&
    platform.architecture === wanted.architecture &&
    variantRank(wanted.architecture, said.variant ?? '', wanted.variant ?? '') !== undefined;
  if (!runs) throw otherPlatform([platform], wanted);
  return platform;
}

const platformOf = ({ platform }: Descriptor): Platform => ({
  os: platform?.os ?? '',
  architecture: platform?.architecture ?? '',
  ...(platform?.variant && { variant: platform.variant }),
});

export function otherPlatform(offered: readonly Platform[], wanted: Platform): FsbError {
  const list = [...new Set(offered.map(formatPlatform))].filter((text) => !text.startsWith('unknown'));
  const asked = formatPlatform(wanted);
  const isMachine = asked === formatPlatform(machinePlatform());
  return new FsbError(
    'image_not_found',
    `it is for ${list.join(', ') || 'no platform'}, and ${isMachine ? `this machine is ${asked}` : `${asked} was asked for`}`,
    {
      hint:
        list[0] && `Take one that there is with --platform ${list.join(' or ')}, or build it for ${asked}.`,
    },
  );
}
