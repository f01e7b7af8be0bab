import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { FsbError } from '../../core/model/errors.ts';
import type { World } from '../world.ts';
import { jsonFault } from './json-fault.ts';

const authEntry = z.looseObject({
  /** Base64 of `user:password`. */
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});

const schema = z.looseObject({
  auths: z.record(z.string(), authEntry).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

export type AuthEntry = z.infer<typeof authEntry>;
export type ConfigContent = z.infer<typeof schema>;

/** Docker's config.json, of which we know the keys about credentials and keep all others. */
export class DockerConfig {
  readonly file: string;
  readonly content: ConfigContent;

  private constructor(file: string, content: ConfigContent) {
    this.file = file;
    this.content = content;
  }

  /** Empty where there is no file. @throws invalid_argument naming file and line: it is never overwritten then */
  static async read({ env, cwd }: Pick<World, 'env' | 'cwd'>): Promise<DockerConfig> {
    const directory = env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');
    const file = resolve(cwd, directory, 'config.json');
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      // ENOTDIR: something on the way is a file, so there is none either.
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
      throw broken(file, `it cannot be read (${error.code})`, error);
    });
    return new DockerConfig(file, text.trim() === '' ? {} : parse(text.replace(/^\ufeff/, ''), file));
  }

  /** As docker writes it: all or nothing, for its owner alone. */
  async write(content: ConfigContent): Promise<void> {
    try {
      await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
      // Many keep it as a link into their collection of such files.
      const file = await realpath(this.file).catch(() => this.file);
      await replaceFile(file, JSON.stringify(content, null, '\t'));
    } catch (error) {
      throw new FsbError('internal', `cannot write ${this.file}: ${(error as Error).message}`, {
        hint: 'Check who owns it and whether its disk is full. Nothing was changed.',
        cause: error,
      });
    }
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true });
    // With sudo it may be the file of somebody else, who could not read it any more.
    if (before && before.uid !== process.getuid?.()) await chown(draft, before.uid, before.gid);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function parse(text: string, file: string): ConfigContent {
  const fault = jsonFault(text);
  if (fault !== undefined) throw broken(file, `line ${text.slice(0, fault).split('\n').length} is not JSON`);
  const result = schema.safeParse(JSON.parse(text));
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
