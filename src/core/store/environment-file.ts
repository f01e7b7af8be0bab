import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/**
 * Looks at an LMDB data file before lmdb maps it. LMDB trusts its file: given a truncated or foreign one it ends the
 * whole process with SIGBUS or SIGSEGV, so that a core would die at each start without a word about why. This follows
 * every page that can be reached from the newest meta page, and checks that it is there and is what it should be.
 * Layout: liblmdb's mdb.c, data version 2, 64-bit little-endian (docs/decisions/lmdb.md).
 */

const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const PAGE_HEADER = 24;
const META_SIZE = 168;
const NODE_HEADER = 8;
/** In place of a long value: its first page, the transaction, how many pages. */
const LONG_VALUE = 24;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const pageFlags = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 };
/**
 * Of the flags, those that say what a page is, with those of two more kinds, which no table here has, and of a page that
 * its transaction gave up: LMDB fails each write near it.
 */
const KIND = 0x406f;
const nodeFlags = { bigData: 0x01, subDatabase: 0x02 };
const databaseRecord = { size: 48, root: 40 };

interface Meta {
  pageSize: number;
  transaction: bigint;
  /** The last page that is in use. */
  lastPage: bigint;
  roots: bigint[];
}

/** What is wrong with the file; undefined when nothing is, or when it is empty or not there. */
export function findDamage(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    return size === 0 ? undefined : findDamageIn(fd, size);
  } finally {
    closeSync(fd);
  }
}

/** Bytes of a sound file up to the last page that one of its two meta pages knows. */
export function usedBytes(fd: number): number {
  const first = readMeta(fd, 0, 0n);
  const second = first && readMeta(fd, first.pageSize, 1n);
  const pages = [first, second].map((meta) => Number(meta?.lastPage ?? -1n) + 1);
  return Math.max(...pages) * (first?.pageSize ?? 0);
}

function findDamageIn(fd: number, size: number): string | undefined {
  const first = readMeta(fd, 0, 0n);
  if (first === undefined) return 'it is not an LMDB file of a layout that this version reads';
  const second = readMeta(fd, first.pageSize, 1n);
  if (second === undefined || second.pageSize !== first.pageSize) return 'its second meta page is broken';
  const newest = second.transaction > first.transaction ? second : first;
  return new TreeCheck(fd, newest, size).damageBelow(newest.roots);
}

function readMeta(fd: number, position: number, number: bigint): Meta | undefined {
  const page = Buffer.alloc(META_SIZE);
  if (readSync(fd, page, 0, META_SIZE, position) !== META_SIZE) return undefined;
  const isMeta = (page.readUInt16LE(18) & pageFlags.meta) !== 0 && page.readUInt32LE(24) === MAGIC;
  if (!isMeta || page.readBigUInt64LE(0) !== number || page.readUInt16LE(28) !== DATA_VERSION)
    return undefined;
  const pageSize = page.readUInt32LE(48);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return undefined;
  const roots = [
    page.readBigUInt64LE(48 + databaseRecord.root),
    page.readBigUInt64LE(96 + databaseRecord.root),
  ];
  return { pageSize, transaction: page.readBigUInt64LE(152), lastPage: page.readBigUInt64LE(144), roots };
}

const nodeAt = (page: Buffer, i: number): number => page.readUInt16LE(PAGE_HEADER + 2 * i) + PAGE_HEADER;

/** Bytes of node `i`: header, key, and in a leaf the value or where it is; always an even number. */
function nodeSize(page: Buffer, i: number, isLeaf: boolean): number {
  const node = nodeAt(page, i);
  if (node + NODE_HEADER > page.length) return page.length;
  const isBig = (page.readUInt16LE(node + 4) & nodeFlags.bigData) !== 0;
  const value = isBig ? LONG_VALUE : page.readUInt32LE(node);
  const size = NODE_HEADER + page.readUInt16LE(node + 6) + (isLeaf ? value : 0);
  return size + (size % 2);
}

class TreeCheck {
  readonly #fd: number;
  readonly #pageSize: number;
  readonly #pages: bigint;
  readonly #transaction: bigint;
  /** No page belongs to two trees, so one that is met twice is damage, and a circle ends. */
  readonly #seen = new Set<bigint>();

  constructor(fd: number, { pageSize, transaction }: Meta, size: number) {
    this.#fd = fd;
    this.#pageSize = pageSize;
    this.#pages = BigInt(Math.floor(size / pageSize));
    this.#transaction = transaction;
  }

  damageBelow(roots: bigint[]): string | undefined {
    const open = [...roots];
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      if (number === NO_PAGE) continue;
      const next = this.#visit(number);
      if (next === undefined) return `page ${number} is missing or broken`;
      for (const child of next) open.push(child);
    }
    return undefined;
  }

  /** The pages that this one leads to; undefined when it is damaged. */
  #visit(number: bigint): bigint[] | undefined {
    if (number < 2n || number >= this.#pages || this.#seen.has(number)) return undefined;
    this.#seen.add(number);
    const page = Buffer.alloc(this.#pageSize);
    const read = readSync(this.#fd, page, 0, this.#pageSize, Number(number) * this.#pageSize);
    if (read !== this.#pageSize || page.readBigUInt64LE(0) !== number) return undefined;
    const kind = page.readUInt16LE(18) & KIND;
    if (kind !== pageFlags.branch && kind !== pageFlags.leaf) return undefined;
    // One of a later transaction would count as this one's own, and be written where it lies: in a read-only map.
    if (page.readBigUInt64LE(8) > this.#transaction) return undefined;
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)];
    if (lower % 2 !== 0 || lower > upper || upper + PAGE_HEADER > page.length) return undefined;
    const isLeaf = kind === pageFlags.leaf;
    const next: bigint[] = [];
    let taken = 0;
    for (let i = 0; i < lower >> 1; i++) {
      taken += nodeSize(page, i, isLeaf);
      const found = this.#follow(page, i, isLeaf);
      if (found === undefined) return undefined;
      if (found !== NO_PAGE) next.push(found);
    }
    // Nodes lie one behind the other up to the end of the page: a changed length is seen, which LMDB would believe.
    return taken === page.length - PAGE_HEADER - upper ? next : undefined;
  }

  /** Where node `i` of a page leads; NO_PAGE: nowhere; undefined: it is damaged. */
  #follow(page: Buffer, i: number, isLeaf: boolean): bigint | undefined {
    const node = nodeAt(page, i);
    if (node < page.readUInt16LE(22) + PAGE_HEADER || node + NODE_HEADER > page.length) return undefined;
    const low = page.readUInt32LE(node);
    const flags = page.readUInt16LE(node + 4);
    if (!isLeaf) return BigInt(low) | (BigInt(flags) << 32n);
    const data = node + NODE_HEADER + page.readUInt16LE(node + 6);
    if ((flags & nodeFlags.bigData) !== 0) return this.#overflow(page, data, low);
    if (data + low > page.length) return undefined;
    if ((flags & nodeFlags.subDatabase) === 0) return NO_PAGE;
    return low === databaseRecord.size ? page.readBigUInt64LE(data + databaseRecord.root) : undefined;
  }

  /** A long value lies on pages of its own, one after the other. */
  #overflow(page: Buffer, data: number, length: number): bigint | undefined {
    if (data + LONG_VALUE > page.length) return undefined;
    const first = page.readBigUInt64LE(data);
    if (first < 2n || first >= this.#pages) return undefined;
    const header = Buffer.alloc(PAGE_HEADER);
    readSync(this.#fd, header, 0, PAGE_HEADER, Number(first) * this.#pageSize);
    const needed = Math.ceil((PAGE_HEADER + length) / this.#pageSize);
    const isRight =
      header.readBigUInt64LE(0) === first &&
      header.readBigUInt64LE(8) <= this.#transaction &&
      // There may be more than its value needs: a shorter one takes the place of a longer.
      header.readUInt32LE(20) >= needed &&
      first + BigInt(needed) <= this.#pages &&
      (header.readUInt16LE(18) & pageFlags.overflow) !== 0;
    return isRight ? NO_PAGE : undefined;
  }
}
