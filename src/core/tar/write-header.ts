import type { TarEntry } from './entry.ts';
import { BLOCK } from './header.ts';

/** The largest number that eleven octal digits can say. */
const LARGEST_OCTAL = 8 ** 11 - 1;
const LARGEST_OWNER = 8 ** 7 - 1;
const LONGEST_NAME = 100;
const LONGEST_PREFIX = 155;

const TYPES: Partial<Record<TarEntry['type'], string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  directory: '5',
};

/** What an entry is written from; a directory's name ends with a slash. */
export type WrittenEntry = Pick<
  TarEntry,
  'name' | 'type' | 'linkname' | 'mode' | 'uid' | 'gid' | 'size' | 'mtime'
>;

/** The header of an entry, behind an extended one (pax) for what it has no room for. */
export function encodeEntry(entry: WrittenEntry): Buffer {
  const { name, linkname, mtime } = entry;
  const split = splitName(name);
  const records = [
    ...(split === undefined ? [paxRecord('path', name)] : []),
    ...(linkname.length > LONGEST_NAME ? [paxRecord('linkpath', linkname)] : []),
    ...(mtime.nanoseconds === 0 && mtime.seconds <= LARGEST_OCTAL
      ? []
      : [paxRecord('mtime', timeText(mtime))]),
    ...(entry.uid > LARGEST_OWNER ? [paxRecord('uid', `${entry.uid}`)] : []),
    ...(entry.gid > LARGEST_OWNER ? [paxRecord('gid', `${entry.gid}`)] : []),
  ];
  const header = headerBlock(entry, split ?? { prefix: '', base: name.slice(0, LONGEST_NAME) });
  if (records.length === 0) return header;
  const body = Buffer.from(records.join(''), 'latin1');
  const before = { ...entry, size: body.length, uid: 0, gid: 0, linkname: '', mode: 0o644 };
  const extension = headerBlock(before, { prefix: '', base: 'PaxHeaders/entry' }, 'x');
  return Buffer.concat([extension, body, tarPadding(body.length), header]);
}

/** What fills the last block of a file. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK);

interface SplitName {
  prefix: string;
  base: string;
}

/** As ustar has it: at a slash, which is in neither part. */
function splitName(name: string): SplitName | undefined {
  if (name.length <= LONGEST_NAME) return { prefix: '', base: name };
  const slash = name.lastIndexOf('/', Math.min(LONGEST_PREFIX, name.length - 2));
  const base = name.slice(slash + 1);
  return slash < 1 || base.length > LONGEST_NAME ? undefined : { prefix: name.slice(0, slash), base };
}

function headerBlock(entry: WrittenEntry, { prefix, base }: SplitName, type?: string): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void => {
    header.write(value.toString(8).padStart(digits, '0'), at);
  };
  header.write(base, 0, LONGEST_NAME, 'latin1');
  octal(entry.mode, 100, 7);
  octal(Math.min(entry.uid, LARGEST_OWNER), 108, 7);
  octal(Math.min(entry.gid, LARGEST_OWNER), 116, 7);
  writeSize(header, entry.size);
  octal(Math.min(entry.mtime.seconds, LARGEST_OCTAL), 136, 11);
  header.write(type ?? TYPES[entry.type] ?? '0', 156);
  header.write(entry.linkname, 157, LONGEST_NAME, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(prefix, 345, LONGEST_PREFIX, 'latin1');
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** GNU's way for what is larger: the number itself, behind a first byte of 128. */
function writeSize(header: Buffer, size: number): void {
  if (size <= LARGEST_OCTAL) header.write(size.toString(8).padStart(11, '0'), 124);
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
}

const timeText = ({ seconds, nanoseconds }: WrittenEntry['mtime']): string =>
  `${seconds}.${`${nanoseconds}`.padStart(9, '0')}`;

/** `LENGTH KEY=VALUE\n`; the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = body.length;
  while (`${length}`.length + body.length !== length) length = `${length}`.length + body.length;
  return `${length}${body}`;
}
