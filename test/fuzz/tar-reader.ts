import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import type { TarEntry } from '../../src/core/tar/entry.ts';
import { TarReader } from '../../src/core/tar/reader.ts';
import { mutatedTar, randomNumbers } from './unpack.ts';
import { unpackCorpus } from './unpack-corpus.ts';

interface Read {
  entries: (TarEntry & { came: number })[];
  error?: string;
}

function read(chunks: Buffer[]): Read {
  const entries: Read['entries'] = [];
  const reader = new TarReader({
    header: () => {},
    entry: (entry) => {
      const known = { ...entry, came: 0 };
      entries.push(known);
      const write = (bytes: Buffer): void => {
        known.came += bytes.length;
      };
      return { write, end: () => assertWhole(known), abandon: () => {} };
    },
  });
  try {
    for (const chunk of chunks) reader.push(chunk);
    reader.end();
    return { entries };
  } catch (error) {
    const isForeseen = error instanceof FsbError && ['invalid_argument', 'unsupported'].includes(error.code);
    if (isForeseen) return { entries, error: error.message };
    throw error;
  } finally {
    reader.close();
  }
}

function assertWhole({ name, stored, came }: TarEntry & { came: number }): void {
  if (came !== stored) throw new Error(`${name}: ${came} of ${stored} bytes came`);
}

/** A tar is read or refused, in the same way however its bytes are cut; no entry has more or less than it says. */
export const tarReaderProperty = () =>
  fc.property(fc.nat(), fc.array(fc.nat(), { maxLength: 6 }), (seed, cuts) => {
    const tar = mutatedTar(corpus, randomNumbers(seed));
    const places = cuts.map((place) => place % (tar.length + 1)).sort((a, b) => a - b);
    const chunks = [0, ...places].map((start, i) => tar.subarray(start, places[i] ?? tar.length));
    if (!isDeepStrictEqual(read(chunks), read([tar]))) throw new Error('another cut, another result');
  });

const corpus = unpackCorpus('/outside');
