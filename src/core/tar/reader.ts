import { FsbError } from '../model/failure/errors.ts';
import type { ContentSink, TarEntry } from './entry.ts';
import { BLOCK, type Header, parseHeader } from './header.ts';
import { makeEntry, type Overrides } from './make-entry.ts';
import { parsePax } from './pax.ts';
import { assertSegments, OldSparseMap, SparseMapReader } from './sparse.ts';

/** Of one extended header or long name; as much as docker's tar reads. */
const LONGEST_EXTENSION = 1024 * 1024;

export interface TarVisitor {
  /** Each header, also those that only say more of the next entry. */
  header(): void;
  /** @returns where its content goes; undefined when it has none, or nobody wants it */
  entry(entry: TarEntry): ContentSink | undefined;
}

type State =
  | { at: 'header' }
  /** A long name or an extended header, collected. */
  | { at: 'extension'; type: string; size: number; chunks: Buffer[] }
  | { at: 'old-sparse'; header: Header; map: OldSparseMap }
  | { at: 'sparse-map'; entry: TarEntry; map: SparseMapReader }
  | { at: 'content'; sink: ContentSink | undefined }
  | { at: 'end' };

/**
 * Reads a tar as docker's does (Go's archive/tar): ustar, GNU, star and pax. Synchronous, so that each entry costs no turn
 * of the event loop; names and attributes stay the bytes that they are, which tar-stream's would not.
 * Every method throws invalid_argument or unsupported for a tar that is none, and what the visitor throws.
 */
export class TarReader {
  readonly #visitor: TarVisitor;
  /** Less than a block that was left of the chunk before. */
  #partial = Buffer.alloc(0);
  #state: State = { at: 'header' };
  /** Bytes of content that are still to come, and of what fills up its last block. */
  #left = 0;
  #filling = 0;
  #lastWasZero = false;
  #overrides: Overrides = {};

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#state.at !== 'end') {
      if (this.#left > 0 || this.#filling > 0) at += this.#passOn(chunk, at);
      else if (this.#partial.length > 0 || chunk.length - at < BLOCK) at += this.#fillPartial(chunk, at);
      else {
        this.#block(chunk.subarray(at, at + BLOCK));
        at += BLOCK;
      }
    }
  }

  /** No more comes. What fills up the last block may be missing, as some builders leave it (umoci). */
  end(): void {
    const isBetween =
      this.#state.at === 'header' && !this.#hasOverrides() && this.#partial.every((byte) => byte === 0);
    if (this.#left > 0 || !(isBetween || this.#state.at === 'end'))
      throw new FsbError('invalid_argument', 'it ends in the middle of an entry');
  }

  /** Lets go of what is open. Idempotent. */
  close(): void {
    if (this.#state.at === 'content') this.#state.sink?.abandon();
  }

  #passOn(chunk: Buffer, at: number): number {
    if (this.#left === 0) {
      const skipped = Math.min(this.#filling, chunk.length - at);
      this.#filling -= skipped;
      return skipped;
    }
    const taken = Math.min(this.#left, chunk.length - at);
    const bytes = chunk.subarray(at, at + taken);
    if (this.#state.at === 'content') this.#state.sink?.write(bytes);
    // Copied: the buffer may be used again.
    else if (this.#state.at === 'extension') this.#state.chunks.push(Buffer.from(bytes));
    this.#left -= taken;
    if (this.#left === 0) this.#contentIsThere();
    return taken;
  }

  #fillPartial(chunk: Buffer, at: number): number {
    const taken = Math.min(BLOCK - this.#partial.length, chunk.length - at);
    this.#partial = Buffer.concat([this.#partial, chunk.subarray(at, at + taken)]);
    if (this.#partial.length < BLOCK) return taken;
    const block = this.#partial;
    this.#partial = Buffer.alloc(0);
    this.#block(block);
    return taken;
  }

  #block(block: Buffer): void {
    switch (this.#state.at) {
      case 'old-sparse':
        this.#visitor.header();
        this.#state.map.add(block);
        this.#beginOldSparse(this.#state.header, this.#state.map);
        return;
      case 'sparse-map':
        this.#sparseMap(this.#state.entry, this.#state.map, block);
        return;
      default:
        this.#header(block);
    }
  }

  #header(block: Buffer): void {
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      if (this.#hasOverrides()) throw new FsbError('invalid_argument', 'it ends behind a header of an entry');
      this.#state = this.#lastWasZero ? { at: 'end' } : { at: 'header' };
      this.#lastWasZero = true;
      return;
    }
    if (this.#lastWasZero) throw new FsbError('invalid_argument', 'it goes on behind a block of zeros');
    this.#visitor.header();
    const header = parseHeader(block);
    if (header.size < 0) throw new FsbError('invalid_argument', 'its size is negative');
    if ('xgLK'.includes(header.type)) this.#beginExtension(header);
    else if (header.type === 'S') this.#beginOldSparse(header, new OldSparseMap(block));
    else this.#begin(makeEntry(header, this.#overrides));
  }

  #beginExtension({ type, size }: Header): void {
    if (size > LONGEST_EXTENSION)
      throw new FsbError('invalid_argument', `it has a name or an extended header of ${size} bytes`);
    this.#state = { at: 'extension', type, size, chunks: [] };
    this.#expect(size);
    if (size === 0) this.#contentIsThere();
  }

  #beginOldSparse(header: Header, map: OldSparseMap): void {
    if (map.more) {
      this.#state = { at: 'old-sparse', header, map };
      return;
    }
    const entry = makeEntry(header, this.#overrides);
    this.#begin({ ...entry, size: map.size, segments: map.segments });
  }

  #begin(entry: TarEntry): void {
    this.#overrides = {};
    if (entry.size < 0) throw new FsbError('invalid_argument', 'its size is negative');
    if (entry.mapFollows) this.#state = { at: 'sparse-map', entry, map: new SparseMapReader() };
    else this.#beginContent(entry);
  }

  #sparseMap(entry: TarEntry, map: SparseMapReader, block: Buffer): void {
    const segments = map.add(block);
    if (map.bytes > entry.stored)
      throw new FsbError('invalid_argument', 'it is a sparse file with a damaged map');
    if (segments === undefined) return;
    this.#beginContent({ ...entry, stored: entry.stored - map.bytes, segments });
  }

  #beginContent(entry: TarEntry): void {
    if (entry.segments !== undefined) assertSegments(entry.segments, entry.size, entry.stored);
    this.#state = { at: 'content', sink: this.#visitor.entry(entry) };
    this.#expect(entry.stored);
    if (this.#left === 0) this.#contentIsThere();
  }

  #expect(bytes: number): void {
    this.#left = bytes;
    this.#filling = (BLOCK - (bytes % BLOCK)) % BLOCK;
  }

  #contentIsThere(): void {
    const state = this.#state;
    this.#state = { at: 'header' };
    if (state.at === 'content') state.sink?.end();
    else if (state.at === 'extension') this.#extend(state.type, Buffer.concat(state.chunks));
  }

  #extend(type: string, bytes: Buffer): void {
    const name = (): string =>
      bytes.toString('latin1', 0, bytes.indexOf(0) === -1 ? bytes.length : bytes.indexOf(0));
    if (type === 'x') this.#overrides.pax = parsePax(bytes);
    else if (type === 'L') this.#overrides.longName = name();
    else if (type === 'K') this.#overrides.longLink = name();
    // A global header (g) says things about all entries; docker takes no notice of it.
  }

  #hasOverrides(): boolean {
    return Object.keys(this.#overrides).length > 0;
  }
}
