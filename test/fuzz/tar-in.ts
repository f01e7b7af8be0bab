import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stateOf } from '../helpers/core/canary.ts';
import { runGuestTool } from '../helpers/guest/guest-tool.ts';
import { mutatedTar, randomNumbers } from './unpack.ts';
import { unpackCorpus } from './unpack-corpus.ts';

/** Gives mutated tars to the tar-in of fsb-init, built with sanitizers, until `more` says no. */
export async function fuzzTarIn(seed: number, more: (round: number) => boolean): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-fuzz-'));
  try {
    await mkdir(join(directory, 'outside'));
    await writeFile(join(directory, 'outside/secret'), 'untouched');
    const corpus = unpackCorpus(join(directory, 'outside'));
    const random = randomNumbers(seed);
    const before = JSON.stringify(await stateOf(join(directory, 'outside')));
    let round = 0;
    for (; more(round); round++) {
      const tar = mutatedTar(corpus, random);
      const problem = await problemOf(directory, tar, before);
      if (problem !== undefined)
        throw new Error(`${problem} (seed ${seed}, round ${round}): ${tar.toString('base64')}`);
    }
    return round;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function problemOf(directory: string, input: Buffer, before: string): Promise<string | undefined> {
  const root = join(directory, 'in');
  await rm(root, { recursive: true, force: true });
  await mkdir(root);
  const { code, stderr } = await runGuestTool('sanitize', ['tar-in', '--same-owner', root], { input });
  if (code !== 0 && code !== 1) return `it ends with ${code}: ${stderr}`;
  if (code === 1 && stderr === '') return 'it fails without a word';
  if (/Sanitizer|runtime error/.test(stderr)) return stderr;
  if (JSON.stringify(await stateOf(join(directory, 'outside'))) !== before)
    return 'something outside was changed';
  const names = await readdir(directory);
  return names.length === 2 ? undefined : 'something outside was made';
}
