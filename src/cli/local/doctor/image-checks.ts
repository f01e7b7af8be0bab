import { access, constants, readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { ZSTD } from '../../../core/image/bytes/decompress.ts';
import { fileSchema } from '../../../core/image/content/image-record.ts';
import { DAMAGED_MARK } from '../../../core/image/content/records-file.ts';
import { Certificates, DOCKER_CERTIFICATES } from '../../../core/image/registry/certificates.ts';
import { readRegistriesFile } from '../../../core/image/registry/configuration-file.ts';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { DockerConfig } from '../../login/docker-config.ts';
import type { World } from '../../terminal/world.ts';
import type { LocalCore } from '../daemon/local-core.ts';
import { type Check, failedCheck } from './check.ts';

type ChecksWorld = Pick<World, 'env' | 'cwd' | 'clock'>;

/** What images need: to come from registries, to be unpacked, and to be found again. */
export async function imageChecks({ paths }: LocalCore, world: ChecksWorld): Promise<Check[]> {
  return Promise.all([
    zstd(),
    checked('registries', () => registries(paths.registries, world)),
    checked('docker config', () => dockerConfig(world)),
    checked('image store', () => imageStore(join(paths.state, 'images'))),
  ]);
}

/** @param look says what it found. @throws FsbError with what is wrong and a hint */
async function checked(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, found: await look(), hint: '' };
  } catch (thrown) {
    return failedCheck(name, thrown);
  }
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Few images need it. */
async function zstd(): Promise<Check> {
  if (await isProgram(ZSTD)) return { name: 'zstd', ok: true, found: ZSTD, hint: '' };
  const found = `${ZSTD} is not here: images with zstd layers cannot be unpacked`;
  return { name: 'zstd', ok: true, found, hint: 'Install it: apt-get install zstd' };
}

async function registries(path: string, { env }: ChecksWorld): Promise<string> {
  const { file, registries: known } = await readRegistriesFile(path);
  const certificates = new Certificates({ env, file: path, dockerDirectory: DOCKER_CERTIFICATES });
  for (const [host, settings] of known) await certificates.trustOf(host, settings);
  return known.size === 0 ? `none named in ${file}` : `${[...known.keys()].join(', ')} in ${file}`;
}

async function dockerConfig(world: ChecksWorld): Promise<string> {
  const { file, content } = await DockerConfig.read(world);
  const { credsStore, credHelpers = {}, auths = {} } = content;
  const helpers = new Set([credsStore, ...Object.values(credHelpers)].filter((name) => name));
  const programs = [...helpers].map((name) => `docker-credential-${name}`);
  for (const program of programs)
    if (!(await isOnPath(program, world.env.PATH ?? '')))
      throw new FsbError('invalid_argument', `the credential helper ${program} is not on the PATH`, {
        hint: `Install it, or take it out of ${file} (credsStore, credHelpers).`,
      });
  const logins = Object.keys(auths).length;
  return [file, `${logins} login${logins === 1 ? '' : 's'}`, ...programs].join(', ');
}

async function isOnPath(program: string, path: string): Promise<boolean> {
  for (const directory of path.split(delimiter))
    if (directory !== '' && (await isProgram(join(directory, program)))) return true;
  return false;
}

async function imageStore(directory: string): Promise<string> {
  const list = join(directory, 'images.json');
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const damaged = names.filter((name) => name.startsWith(`images.json${DAMAGED_MARK}`)).sort();
  if (damaged.length > 0)
    throw new FsbError('internal', `the list of images was damaged: ${damaged.at(-1)} was set aside`, {
      hint: `Pull or import what is missing in "image list", check the disk, then: fsb-ctl system prune --set-aside`,
    });
  if (!names.includes('images.json')) return 'the host image alone';
  const text = await readFile(list, 'utf8');
  return `the host image and ${countOf(text, list)} in ${directory}`;
}

function countOf(text: string, list: string): string {
  try {
    const count = fileSchema.parse(JSON.parse(text)).images.length;
    return `${count} other${count === 1 ? '' : 's'}`;
  } catch (cause) {
    throw new FsbError('internal', `the list of images ${list} is damaged`, {
      hint: 'The core sets it aside at its next start and takes the one before: check the disk.',
      cause,
    });
  }
}
