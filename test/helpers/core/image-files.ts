import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSchema } from '../../../src/core/image/content/image-record.ts';
import { readLayer } from '../../../src/core/image/content/layer-files.ts';
import { partsOf } from '../../../src/core/image/content/usage.ts';
import { digestOfHex } from '../../../src/core/model/image/digest.ts';

/** Whole blobs and unpacked layers, by digest: what the images on record want, and what is on the disk. */
export async function imageFiles(root: string): Promise<{ unnamed: string[]; missing: string[] }> {
  const images = join(root, 'state/images');
  const wanted = await namedIn(join(images, 'images.json'));
  const there = [
    ...(await namesIn(join(images, 'blobs/sha256'))).map((hex) => `blob ${digestOfHex(hex)}`),
    ...(await Promise.all((await namesIn(join(images, 'layers'))).map((id) => layerIn(images, id)))),
  ];
  return {
    unnamed: there.filter((name) => !wanted.has(name)),
    missing: [...wanted].filter((name) => !there.includes(name)),
  };
}

async function layerIn(images: string, id: string): Promise<string> {
  const layer = await readLayer(join(images, 'layers', id));
  return `layer ${layer === 'broken' || layer instanceof Error ? id : layer.diffId}`;
}

async function namedIn(list: string): Promise<Set<string>> {
  const text = await readFile(list, 'utf8').catch(() => undefined);
  const records = text === undefined ? [] : fileSchema.parse(JSON.parse(text)).images;
  const parts = records.map(partsOf);
  return new Set([
    ...parts.flatMap(({ blobs }) => [...blobs].map((digest) => `blob ${digest}`)),
    ...parts.flatMap(({ layers }) => [...layers].map((digest) => `layer ${digest}`)),
  ]);
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
