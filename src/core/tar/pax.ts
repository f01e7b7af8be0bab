import { FsbError } from '../model/failure/errors.ts';
import { detached } from './byte-path.ts';
import type { ByteText, EntryTime } from './entry.ts';
import { isKeptAttribute } from './kept-attributes.ts';
import { decimalNumber } from './numbers.ts';

/** What an extended header says in place of the header behind it. */
export interface Pax {
  path?: ByteText;
  linkpath?: ByteText;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: EntryTime;
  /** SCHILY.xattr.*, as bytes; those that are kept. */
  attributes: Map<string, Buffer>;
  /** GNU.sparse.*, in order: the oldest form says `offset` and `numbytes` again and again. */
  sparse: [key: string, value: string][];
}

const ATTRIBUTE = 'SCHILY.xattr.';
const SPARSE = 'GNU.sparse.';

/**
 * Reads `LENGTH KEY=VALUE\n` again and again. Of two with the same key the last one counts, and an empty value means
 * that the header's own counts, as docker's tar has it.
 * @throws invalid_argument
 */
export function parsePax(bytes: Buffer): Pax {
  const values = new Map<string, Buffer>();
  const sparse: Pax['sparse'] = [];
  for (let at = 0; at < bytes.length; ) {
    const { key, value, next } = recordAt(bytes, at);
    if (key.startsWith(SPARSE)) sparse.push([key.slice(SPARSE.length), value.toString('latin1')]);
    else values.set(key, value);
    at = next;
  }
  return { ...knownValues(values), attributes: attributesOf(values), sparse };
}

function recordAt(bytes: Buffer, at: number): { key: string; value: Buffer; next: number } {
  const blank = bytes.indexOf(0x20, at);
  if (blank === -1 || blank - at > 10) throw broken();
  const next = at + decimalNumber(bytes.toString('latin1', at, blank), 'length of an extended header');
  const equals = bytes.indexOf(0x3d, blank);
  if (next > bytes.length || next <= blank + 2 || bytes[next - 1] !== 0x0a) throw broken();
  if (equals === -1 || equals >= next || equals === blank + 1) throw broken();
  const key = bytes.toString('latin1', blank + 1, equals);
  if (key.includes('\0')) throw broken();
  return { key, value: bytes.subarray(equals + 1, next - 1), next };
}

function knownValues(values: Map<string, Buffer>): Omit<Pax, 'attributes' | 'sparse'> {
  const text = (key: string): ByteText | undefined => {
    const value = values.get(key);
    if (value === undefined || value.length === 0) return undefined;
    if (value.includes(0)) throw new FsbError('invalid_argument', `its ${key} has a NUL byte`);
    return value.toString('latin1');
  };
  const number = (key: string): number | undefined => {
    const value = text(key);
    return value === undefined ? undefined : decimalNumber(value, key);
  };
  const mtime = text('mtime');
  return {
    path: text('path'),
    linkpath: text('linkpath'),
    size: number('size'),
    uid: number('uid'),
    gid: number('gid'),
    mtime: mtime === undefined ? undefined : timeOf(mtime),
  };
}

function attributesOf(values: Map<string, Buffer>): Map<string, Buffer> {
  const attributes = new Map<string, Buffer>();
  for (const [key, value] of values) {
    if (!key.startsWith(ATTRIBUTE)) continue;
    const name = key.slice(ATTRIBUTE.length);
    if (isKeptAttribute(name, value)) attributes.set(detached(name), copyOf(value));
  }
  return attributes;
}

/**
 * The whole header would be kept with a part of it; and with a copy as Buffer.from() makes it, the pool of 8 KiB that it
 * and others are in.
 */
function copyOf(value: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(value.length);
  value.copy(copy);
  return copy;
}

/** Before 1970 is 1970, as docker has it. */
function timeOf(text: string): EntryTime {
  const [, sign, seconds, fraction] = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text) ?? [];
  if (seconds === undefined) throw new FsbError('invalid_argument', 'its mtime is not a time');
  if (sign === '-') return { seconds: 0, nanoseconds: 0 };
  return { seconds: Number(seconds), nanoseconds: Number((fraction ?? '').slice(0, 9).padEnd(9, '0')) };
}

const broken = (): FsbError => new FsbError('invalid_argument', 'it has a damaged extended header (pax)');
