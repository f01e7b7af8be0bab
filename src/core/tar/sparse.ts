import { FsbError } from '../model/failure/errors.ts';
import type { Segment } from './entry.ts';
import { BLOCK } from './header.ts';
import { decimalNumber, headerNumber } from './numbers.ts';
import type { Pax } from './pax.ts';

/** Of one sparse file. As many fit into the headers that docker's tar reads. */
const MOST_SEGMENTS = 50_000;
const MOST_MAP_BYTES = 1024 * 1024;

/** What the headers say of a sparse file; `segments` is missing when the map stands before the content (format 1.0). */
export interface SparseFile {
  name?: string;
  size: number;
  segments?: Segment[];
}

/**
 * The three forms of GNU tar in extended headers: 0.0, 0.1 and 1.0.
 * @returns undefined when it is no sparse file
 */
export function paxSparse(sparse: Pax['sparse']): SparseFile | undefined {
  if (sparse.length === 0) return undefined;
  const last = new Map(sparse);
  const size = decimalNumber(last.get('realsize') ?? last.get('size') ?? '', 'size as a sparse file');
  const name = last.get('name');
  if (name?.includes('\0')) throw brokenMap();
  if (last.has('major') || last.has('minor')) {
    if (last.get('major') === '1' && last.get('minor') === '0') return { name, size };
    throw new FsbError('unsupported', 'it is a sparse file of an unknown format', {
      hint: 'Rebuild the image without it.',
    });
  }
  const map = last.get('map');
  const numbers =
    map === undefined
      ? sparse.filter(([key]) => key === 'offset' || key === 'numbytes').map(([, value]) => value)
      : map.split(',').filter((part) => part !== '');
  return { name, size, segments: segmentsOf(numbers.map((text) => decimalNumber(text, 'sparse map'))) };
}

/** GNU tar's own form: in the header, and in blocks behind it for as long as each says that one more follows. */
export class OldSparseMap {
  readonly size: number;
  readonly #numbers: number[] = [];
  more: boolean;

  constructor(header: Buffer) {
    this.size = headerNumber(header.subarray(483, 495), 'size as a sparse file');
    this.more = this.#read(header.subarray(386, 483), 4);
  }

  add(block: Buffer): void {
    this.more = this.#read(block.subarray(0, 505), 21);
  }

  get segments(): Segment[] {
    return segmentsOf(this.#numbers);
  }

  #read(bytes: Buffer, count: number): boolean {
    for (let i = 0; i < count && bytes[24 * i] !== 0; i++)
      for (const at of [24 * i, 24 * i + 12])
        this.#numbers.push(headerNumber(bytes.subarray(at, at + 12), 'sparse map'));
    if (this.#numbers.length > 2 * MOST_SEGMENTS) throw brokenMap();
    return bytes[24 * count] !== 0;
  }
}

/** Format 1.0: decimal numbers, a line each, before the content, filled up to whole blocks. */
export class SparseMapReader {
  readonly #blocks: string[] = [];
  #lines = 0;
  #wanted: number | undefined;

  get bytes(): number {
    return this.#blocks.length * BLOCK;
  }

  /** @returns undefined when more blocks are needed */
  add(block: Buffer): Segment[] | undefined {
    const text = block.toString('latin1');
    this.#blocks.push(text);
    if (this.bytes > MOST_MAP_BYTES) throw brokenMap();
    this.#wanted ??= wantedLines(text);
    for (const byte of block) if (byte === NEWLINE) this.#lines += 1;
    if (this.#lines < this.#wanted) return undefined;
    const lines = this.#blocks.join('').split('\n', this.#wanted).slice(1);
    return segmentsOf(lines.map((line) => decimalNumber(line, 'sparse map')));
  }
}

const NEWLINE = 0x0a;

/** The number of segments, and two numbers for each. */
function wantedLines(text: string): number {
  const end = text.indexOf('\n');
  if (end === -1) throw brokenMap();
  const count = decimalNumber(text.slice(0, end), 'sparse map');
  if (count > MOST_SEGMENTS) throw brokenMap();
  return 1 + 2 * count;
}

function segmentsOf(numbers: number[]): Segment[] {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * MOST_SEGMENTS) throw brokenMap();
  const segments: Segment[] = [];
  for (let i = 0; i < numbers.length; i += 2) segments.push({ offset: numbers[i]!, length: numbers[i + 1]! });
  return segments;
}

/** In order, not over each other, within the file, and as long together as what the tar has. */
export function assertSegments(segments: Segment[], size: number, stored: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of segments) {
    if (offset < end || offset < 0 || length < 0) throw brokenMap();
    end = offset + length;
    sum += length;
  }
  if (end > size || sum !== stored || !Number.isSafeInteger(end)) throw brokenMap();
}

const brokenMap = (): FsbError => new FsbError('invalid_argument', 'it is a sparse file with a damaged map');
