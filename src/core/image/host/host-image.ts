import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { digestOfHex, hexOf, isDigest } from '../../model/image/digest.ts';
import {
  emptyImageConfig,
  type ImageConfig,
  type ResolvedImage,
  type RootFilesystem,
} from '../../model/image/image.ts';
import { machinePlatform } from '../../model/image/platform.ts';
import { HOST_IMAGE } from '../../model/image/reference.ts';
import { DEFAULT_PATH } from '../../model/sandbox/command.ts';
import { syncTree, writeError } from '../content/disk.ts';
import { type HostSurvey, type SourceStamps, surveyHost } from './host-survey.ts';
import { buildSkeleton } from './skeleton.ts';

export interface HostImageOptions {
  /** Where skeletons are kept. */
  directory: string;
  /** On the same file system. */
  staging: string;
  /** `/` */
  hostRoot: string;
  /** Called when the machine has changed, with the digest that the image had before. Must not throw. */
  replaced: (digest: string) => void;
  clock: Clock;
  log: Logger;
}

interface Current {
  image: ResolvedImage;
  sources: SourceStamps;
  builtAt: number;
}

// Looking at some hundred files takes part of a millisecond: not on every claim of a burst.
const FRESH_MS = 1000;

/**
 * The built-in image: this machine's own programs below a private layer, with a copy of what programs need of /etc and
 * nothing of /home, /root, /var and /run. It has another digest as soon as the machine has changed.
 */
export class HostImage {
  readonly #options: HostImageOptions;
  #current: Current | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #building: Promise<Current> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  readonly #removing = new Set<string>();

  constructor(options: HostImageOptions) {
    this.#options = options;
  }

  /** Builds its skeleton when the machine changed since the last time; a change is seen after a second at most. */
  async resolve(): Promise<ResolvedImage> {
    const now = this.#options.clock.monotonic();
    const isFresh = now - this.#checkedAt < FRESH_MS;
    if (this.#current && (isFresh || this.#current.sources.areUnchanged())) {
      if (!isFresh) this.#checkedAt = now;
      return this.#current.image;
    }
    this.#building ??= this.#oneAtATime(async () => {
      const before = this.#current?.image.digest;
      this.#current = await this.#build();
      this.#checkedAt = now;
      if (before !== undefined && !this.isCurrent(before)) this.#options.replaced(before);
      return this.#current;
    }).finally(() => {
      this.#building = undefined;
    });
    return (await this.#building).image;
  }

  /** Whether a text is the digest that the image has now. */
  isCurrent(digest: string): boolean {
    return this.#current?.image.digest === digest;
  }

  /** The same for its first digits, as `image list` shows them. */
  isMeantBy(text: string): boolean {
    const digits = /^(?:sha256:)?([0-9a-f]{12,64})$/.exec(text)?.[1];
    return digits !== undefined && this.#current?.image.digest.startsWith(digestOfHex(digits)) === true;
  }

  /** The image, when it has this digest now. Does not look at the machine: who asks by digest wants no other. */
  withDigest(digest: string): ResolvedImage | undefined {
    return this.isMeantBy(digest) ? this.#current!.image : undefined;
  }

  /** Whether an instance can run on it: it is what the machine is now, or was, and not just being removed. */
  has(digest: string): boolean {
    if (this.isCurrent(digest)) return true;
    return isDigest(digest) && !this.#removing.has(digest) && existsSync(this.#skeletonOf(digest));
  }

  /** Milliseconds since the epoch; 0 before the first resolve(). */
  get builtAt(): number {
    return this.#current?.builtAt ?? 0;
  }

  /** Removes skeletons of earlier states of the machine that `isHeld` does not know. */
  removeOld(isHeld: (digest: string) => boolean): Promise<void> {
    return this.#oneAtATime(async () => {
      const { directory, staging } = this.#options;
      for (const name of await readdir(directory).catch(() => [])) {
        const digest = digestOfHex(name);
        if (this.isCurrent(digest) || isHeld(digest)) continue;
        const grave = join(staging, `removed-${crypto.randomUUID()}`);
        this.#removing.add(digest);
        try {
          await rename(join(directory, name), grave);
        } finally {
          this.#removing.delete(digest);
        }
        await rm(grave, { recursive: true, force: true });
      }
    });
  }

  /** A machine may change back: what is being built must not be removed at the same time. */
  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #skeletonOf(digest: string): string {
    return join(this.#options.directory, hexOf(digest));
  }

  async #build(): Promise<Current> {
    const { directory, staging, hostRoot, log } = this.#options;
    const survey = await surveyHost(hostRoot);
    if (!survey.roots.some(({ name, kind }) => name === 'usr' && kind === 'overlay'))
      throw new FsbError('unsupported', 'the host image needs a /usr directory on this machine', {
        hint: 'Import an image instead: fsb-ctl image import FILE NAME',
      });
    const skeleton = this.#skeletonOf(survey.digest);
    if (!(await isDirectory(skeleton))) {
      const staged = join(staging, `host-${crypto.randomUUID()}`);
      try {
        // A recursive one says ENOENT where the disk can only be read.
        await mkdir(staged);
        await buildSkeleton(staged, survey);
        await syncTree(staged);
        await mkdir(directory, { recursive: true });
        await rename(staged, skeleton);
      } catch (error) {
        await rm(staged, { recursive: true, force: true });
        throw writeError(error, 'the host image');
      }
      log.info({ digest: survey.digest }, 'host image built');
    }
    const root = rootOf(skeleton, survey);
    const image: ResolvedImage = {
      ...{ reference: HOST_IMAGE, digest: survey.digest, platform: machinePlatform() },
      ...{ config: configFor(survey), root },
    };
    const builtAt = Math.round((await stat(skeleton)).ctimeMs);
    return { image, sources: survey.sources, builtAt };
  }
}

function rootOf(skeleton: string, survey: HostSurvey): RootFilesystem {
  const overlays = [{ target: '/', lower: [skeleton] }];
  for (const entry of survey.roots)
    if (entry.kind === 'overlay') overlays.push({ target: `/${entry.name}`, lower: [entry.source] });
  return { overlays };
}

const configFor = ({ hasBash }: HostSurvey): ImageConfig => ({
  ...emptyImageConfig,
  cmd: [hasBash ? 'bash' : 'sh'],
  env: [`PATH=${DEFAULT_PATH}`],
});

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
