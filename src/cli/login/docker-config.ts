import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { FsbError } from '../../core/model/failure/errors.ts';
import { makeDirectories } from '../../core/model/make-directories.ts';
import { withFileLock } from '../files/file-lock.ts';
import { faultPlace } from '../files/json-fault.ts';
import { replaceFile, targetOf } from '../files/replace-file.ts';
import type { World } from '../terminal/world.ts';

/** Docker takes null for what is not there. */
const orNothing = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => value ?? undefined, schema.optional());
const text = orNothing(z.string());

const authEntry = z.looseObject({
  /** Base64 of `user:password`. */
  auth: text,
  username: text,
  password: text,
  identitytoken: text,
  registrytoken: text,
});

const schema = z.looseObject({
  auths: orNothing(
    z.record(
      z.string(),
      z.preprocess((value) => value ?? {}, authEntry),
    ),
  ),
  credHelpers: orNothing(z.record(z.string(), text)),
  credsStore: text,
});

export type AuthEntry = z.infer<typeof authEntry>;
export type ConfigContent = z.infer<typeof schema>;

type ConfigWorld = Pick<World, 'env' | 'cwd' | 'clock'>;
/** The file as it stands there, keys that we do not know included. */
type Raw = Record<string, unknown> & { auths?: Record<string, unknown> | null };

/** Docker's config.json, of which we know the keys about credentials and keep all others. */
export class DockerConfig {
  readonly file: string;
  readonly content: ConfigContent;
  readonly #world: ConfigWorld;

  private constructor(file: string, content: ConfigContent, world: ConfigWorld) {
    this.file = file;
    this.content = content;
    this.#world = world;
  }

  /** Empty where there is no file. @throws invalid_argument naming file and line: it is never overwritten then */
  static async read(world: ConfigWorld): Promise<DockerConfig> {
    const directory = world.env.DOCKER_CONFIG || join(world.env.HOME || homedir(), '.docker');
    const file = resolve(world.cwd, directory, 'config.json');
    return new DockerConfig(file, checked(await readRaw(file), file), world);
  }

  /**
   * Changes `auths` in the file as it is by now, as docker writes it: all or nothing.
   * @param change of the table, in place
   * @throws invalid_argument when it is broken by now; unavailable when another command holds it
   */
  async editAuths(change: (auths: Record<string, unknown>) => void, signal: AbortSignal): Promise<void> {
    try {
      makeDirectories(dirname(this.file), 0o700);
      const target = await targetOf(this.file);
      await withFileLock(target, { clock: this.#world.clock, signal }, async () => {
        // Two logins at once must not forget each other's.
        const raw = await readRaw(this.file);
        checked(raw, this.file);
        raw.auths ??= {};
        change(raw.auths);
        await replaceFile(target, JSON.stringify(raw, null, '\t'));
      });
    } catch (error) {
      if (error instanceof FsbError || signal.aborted) throw error;
      throw new FsbError('internal', `cannot write ${this.file}: ${(error as Error).message}`, {
        hint: 'Check who owns it and whether its disk is full. Nothing was changed.',
        cause: error,
      });
    }
  }
}

async function readRaw(file: string): Promise<Raw> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // ENOTDIR: something on the way is a file, so there is none either.
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw broken(file, `it cannot be read (${error.code})`, error);
  });
  const json = text.replace(/^\ufeff/, '');
  if (json.trim() === '') return {};
  const fault = faultPlace(json);
  if (fault !== undefined) throw broken(file, `line ${fault.line} is not JSON`);
  return JSON.parse(json);
}

function checked(raw: Raw, file: string): ConfigContent {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue?.path.join('.') || 'the whole';
  throw broken(file, `${key}: ${issue?.message ?? 'it is not what docker writes'}`);
}

const broken = (file: string, why: string, cause?: unknown): FsbError =>
  new FsbError('invalid_argument', `docker's configuration ${file} cannot be used: ${why}`, {
    hint: 'Mend the file, or name another directory for it in DOCKER_CONFIG.',
    cause,
  });
