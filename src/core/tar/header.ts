import { FsbError } from '../model/failure/errors.ts';
import type { ByteText } from './entry.ts';
import { headerNumber } from './numbers.ts';

export const BLOCK = 512;

/** One block of 512 bytes before the content of an entry, as it says. */
export interface Header {
  name: ByteText;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  /** One character; `0` is a file. */
  type: string;
  linkname: ByteText;
  devmajor: number;
  devminor: number;
}

type Format = 'ustar' | 'gnu' | 'star' | 'old';

const CHECKSUM = { start: 148, end: 156 };

/** @throws invalid_argument */
export function parseHeader(block: Buffer): Header {
  assertChecksum(block);
  const format = formatOf(block);
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156]!);
  return {
    name: nameOf(block, format),
    mode: headerNumber(block.subarray(100, 108), 'mode'),
    uid: headerNumber(block.subarray(108, 116), 'user'),
    gid: headerNumber(block.subarray(116, 124), 'group'),
    size: headerNumber(block.subarray(124, 136), 'size'),
    mtime: headerNumber(block.subarray(136, 148), 'time'),
    type,
    linkname: textOf(block, 157, 100),
    ...devicesOf(block, type, format),
  };
}

/** Before ustar these bytes meant nothing; and they mean something for devices only. */
function devicesOf(block: Buffer, type: string, format: Format): { devmajor: number; devminor: number } {
  if (format === 'old' || (type !== '3' && type !== '4')) return { devmajor: 0, devminor: 0 };
  return {
    devmajor: headerNumber(block.subarray(329, 337), 'device number'),
    devminor: headerNumber(block.subarray(337, 345), 'device number'),
  };
}

function nameOf(block: Buffer, format: Format): ByteText {
  const name = textOf(block, 0, 100);
  if (format !== 'ustar' && format !== 'star') return name;
  const prefix = textOf(block, 345, format === 'star' ? 131 : 155);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function formatOf(block: Buffer): Format {
  const magic = block.toString('latin1', 257, 265);
  if (magic === 'ustar  \0') return 'gnu';
  if (!magic.startsWith('ustar\0')) return 'old';
  return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar';
}

function assertChecksum(block: Buffer): void {
  const said = headerNumber(block.subarray(CHECKSUM.start, CHECKSUM.end), 'checksum');
  let sum = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= CHECKSUM.start && i < CHECKSUM.end ? 0x20 : block[i]!;
    sum += byte;
    // Some tars of old added signed characters.
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  if (said !== sum && said !== signed)
    throw new FsbError('invalid_argument', 'it has a header with a wrong checksum: it is no tar, or damaged');
}

/** Up to the first zero byte. */
export function textOf(bytes: Buffer, start: number, length: number): ByteText {
  const zero = bytes.indexOf(0, start);
  const end = zero === -1 || zero > start + length ? start + length : zero;
  return bytes.toString('latin1', start, end);
}
