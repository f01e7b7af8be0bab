import { FsbError } from '../../core/model/failure/errors.ts';
import { isDigest } from '../../core/model/image/digest.ts';
import type { ImageInfo } from '../../core/model/image/image.ts';
import { formatPlatform, parsePlatform } from '../../core/model/image/platform.ts';
import { familiarName, HOST_IMAGE } from '../../core/model/image/reference.ts';
import type { ImageSourceFlags, PullPolicy } from './pull-flags.ts';
import type { Puller } from './puller.ts';

/** An image may be removed between its pull and its use; by the second time somebody means it. */
const MOST_PULLS = 2;

/**
 * Does what needs an image, and pulls it when `act` says that it is not here. `always` pulls first, and so does a
 * platform for which it is not here. What is wrong otherwise with what is asked shows before anything is pulled.
 * @param act is told the digest of the image that it is to use, where the name may mean another one by then
 * @param nameImage the image, as the user or a pool names it; asked for when it matters only
 * @throws what `act` and the pull do; with `never`, image_not_found names the command that pulls
 */
export async function withImage<T>(
  puller: Puller,
  { pull: policy = 'missing', platform }: ImageSourceFlags,
  nameImage: () => Promise<string> | string,
  act: (digest?: string) => Promise<T>,
): Promise<T> {
  let digest: string | undefined;
  if (platform !== undefined || policy === 'always')
    digest = await prepare(puller, await nameImage(), policy, platform);
  for (let pulls = 0; ; pulls++) {
    try {
      return await act(digest);
    } catch (error) {
      if (FsbError.from(error).code !== 'image_not_found') throw error;
      const image = await nameImage();
      if (policy === 'never') throw withPullHint(FsbError.from(error), image, platform);
      if (pulls === MOST_PULLS || !canBePulled(image)) throw error;
      await puller.say(`Image ${familiarName(image)} is not here.`);
      ({ digest } = (await orAskWhatWasMeant(puller.pull(image, platform), error)).image);
    }
  }
}

/**
 * The same for what names several images: a pool that is to keep them warm.
 * @throws what `act` and the pulls do
 */
export async function withImages<T>(
  puller: Puller,
  policy: PullPolicy | undefined,
  images: readonly string[],
  act: () => Promise<T>,
): Promise<T> {
  if (policy === 'always') await pullImages(puller, policy, images);
  try {
    return await act();
  } catch (error) {
    if (policy === 'never' || FsbError.from(error).code !== 'image_not_found') throw error;
    await orAskWhatWasMeant(pullImages(puller, 'missing', images), error);
    return act();
  }
}

/** Pulls those that are missing, or all of them. @throws what the pull does */
export async function pullImages(
  puller: Puller,
  policy: PullPolicy | undefined,
  images: readonly string[],
): Promise<void> {
  if (policy === 'never') return;
  for (const image of new Set(images)) {
    if (!canBePulled(image)) continue;
    if (policy !== 'always' && (await find(puller, image)) !== undefined) continue;
    await puller.pull(image);
  }
}

/**
 * `always`, and for a platform: pulls what has to be pulled before the image is used.
 * @returns the digest of what is to be used; undefined for whatever the name means
 */
async function prepare(
  puller: Puller,
  image: string,
  policy: PullPolicy,
  platform: string | undefined,
): Promise<string | undefined> {
  if (policy === 'always' && canBePulled(image)) return (await puller.pull(image, platform)).image.digest;
  if (platform === undefined) return undefined;
  const found = await find(puller, image);
  if (found === undefined) return undefined;
  // What cannot be pulled again is whatever it is when it is used: the machine itself.
  if (isFor(found, platform)) return canBePulled(image) ? found.digest : undefined;
  if (policy === 'never' || !canBePulled(image)) throw otherPlatform(found, image, platform);
  await puller.say(`Image ${familiarName(image)} is here for ${platformOf(found)}, not for ${platform}.`);
  return (await puller.pull(image, platform)).image.digest;
}

async function find(puller: Puller, image: string): Promise<ImageInfo | undefined> {
  try {
    return await puller.core.images.inspect(image, { signal: puller.signal });
  } catch (error) {
    if (FsbError.from(error).code === 'image_not_found') return undefined;
    throw error;
  }
}

/** A registry has neither the machine's own image nor one that is known by nothing but (the beginning of) a digest. */
const canBePulled = (image: string): boolean =>
  image !== HOST_IMAGE && !isDigest(image) && !/^(sha256:)?[0-9a-f]{12,64}$/.test(image);

/** A variant that one side does not name is any. */
function isFor(image: ImageInfo, text: string): boolean {
  const wanted = parsePlatform(text);
  const variants = [wanted.variant, image.variant].filter((variant) => variant);
  return image.architecture === wanted.architecture && new Set(variants).size < 2;
}

const platformOf = (image: ImageInfo): string => formatPlatform({ os: 'linux', ...image });

function otherPlatform(found: ImageInfo, image: string, platform: string): FsbError {
  const message = `image ${familiarName(image)} is here for ${platformOf(found)}, not for ${platform}`;
  const isHost = image === HOST_IMAGE;
  return new FsbError(isHost ? 'invalid_argument' : 'image_not_found', message, {
    hint: isHost
      ? 'host is this very machine: leave out --platform.'
      : `Pull it with: ${pullCommand(image, platform)}`,
  });
}

const pullCommand = (image: string, platform?: string): string =>
  `fsb-ctl image pull ${platform === undefined ? '' : `--platform ${platform} `}${familiarName(image)}`;

function withPullHint(error: FsbError, image: string, platform: string | undefined): FsbError {
  if (!canBePulled(image) || error.hint?.includes('image pull')) return error;
  return new FsbError('image_not_found', error.message, {
    hint: `${questionOf(error)}Pull it with: ${pullCommand(image, platform)}`,
    cause: error,
  });
}

/** A name that no registry has was most likely a slip: what the store took it for goes before the pull's own hint. */
async function orAskWhatWasMeant<T>(pull: Promise<T>, missing: unknown): Promise<T> {
  try {
    return await pull;
  } catch (thrown) {
    const error = FsbError.from(thrown);
    const question = questionOf(FsbError.from(missing));
    if (question === '' || error.code === 'cancelled') throw thrown;
    const hint = `${question}${error.hint ?? ''}`.trim();
    throw new FsbError(error.code, error.message, { hint, cause: error });
  }
}

const questionOf = ({ hint = '' }: FsbError): string => /^Did you mean [^?]+\? /.exec(hint)?.[0] ?? '';
