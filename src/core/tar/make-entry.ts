import { FsbError } from '../model/failure/errors.ts';
import type { EntryType, TarEntry } from './entry.ts';
import type { Header } from './header.ts';
import type { Pax } from './pax.ts';
import { paxSparse } from './sparse.ts';

/** What stood before the header and counts instead of it. */
export interface Overrides {
  pax?: Pax;
  longName?: string;
  longLink?: string;
}

/** In bytes: what Linux takes as a path. Names are kept until the end of the layer, and a header can hold a megabyte. */
const LONGEST_NAME = 4095;

const TYPES: Record<string, EntryType> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
};

/** @throws invalid_argument, unsupported (a type that nobody knows) */
export function makeEntry(header: Header, { pax, longName, longLink }: Overrides): TarEntry {
  const sparse = paxSparse(pax?.sparse ?? []);
  const name = longName || (sparse?.name ?? pax?.path ?? header.name);
  const linkname = longLink || (pax?.linkpath ?? header.linkname);
  assertLength(name, 'name');
  assertLength(linkname, 'link name');
  const type = typeOf(header.type, name);
  if (sparse !== undefined && type !== 'file')
    throw new FsbError('invalid_argument', 'it is sparse and no file');
  // Whatever the header of another thing says, nothing follows it. Content does follow a file whose name makes it a
  // directory: read as headers, it would smuggle in what no other tool sees.
  const stored = TYPES[header.type] === 'file' ? (pax?.size ?? header.size) : 0;
  return {
    name,
    type,
    linkname,
    mode: header.mode & 0o7777,
    uid: ownerOf(pax?.uid ?? header.uid),
    gid: ownerOf(pax?.gid ?? header.gid),
    stored,
    size: sparse?.size ?? stored,
    mtime: pax?.mtime ?? { seconds: Math.max(header.mtime, 0), nanoseconds: 0 },
    devmajor: header.devmajor,
    devminor: header.devminor,
    attributes: pax?.attributes ?? new Map(),
    segments: sparse?.segments,
    mapFollows: sparse !== undefined && sparse.segments === undefined,
  };
}

function assertLength(text: string, what: string): void {
  if (text.length > LONGEST_NAME)
    throw new FsbError('invalid_argument', `its ${what} has more than ${LONGEST_NAME} bytes (ENAMETOOLONG)`);
}

function typeOf(character: string, name: string): EntryType {
  const type = TYPES[character];
  if (type === undefined)
    throw new FsbError('unsupported', `it is of an unknown kind (${JSON.stringify(character)})`, {
      hint: 'Rebuild the image without it.',
    });
  // So did tars say it that knew no directories.
  return character === '0' && name.endsWith('/') ? 'directory' : type;
}

function ownerOf(id: number): number {
  // 2^32 - 1 means "leave it as it is" to chown.
  if (id >= 0 && id < 0xff_ff_ff_ff) return id;
  throw new FsbError('invalid_argument', `${id} is no user or group`);
}
