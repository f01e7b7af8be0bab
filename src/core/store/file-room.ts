import { closeSync, constants, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isDiskFull } from '../model/failure/disk-full.ts';
import { usedBytes } from './environment-file.ts';

const { O_CREAT, O_WRONLY } = constants;

const PAGE = 4096;
const META_PAGES = 2;
/** Bytes of the trees that change with every commit, and what each write adds: a put also takes those of its value. */
const COMMIT = 8 * PAGE;
const REMOVAL = PAGE;
const PUT = 2 * PAGE;
/** Bytes by which the file grows. */
const STEP = 256 * 1024;
/** Bytes that are kept for removals: without them nothing could be deleted on a full disk. */
const FOR_REMOVALS = 256 * 1024;
/** Bytes that are kept, beside those, for what may not wait until there is room: the ends of some hundred sandboxes. */
const RESERVE = 256 * 1024;

/** Bytes of the file of locks, which lmdb maps, with two meta pages beside it. */
const LOCKS = 5 * PAGE;

const openProbe = (directory: string): number =>
  // Not emptied: its byte has its room already.
  openSync(join(directory, 'probe'), O_WRONLY | O_CREAT, 0o600);

/**
 * To be called before an environment is opened: a new one's file of locks that finds no room ends the process.
 * @throws what the system says: there is too little room, or it cannot be written
 */
export function assertRoomForLocks(directory: string): void {
  const locks = statSync(join(directory, 'lock.mdb'), { throwIfNoEntry: false });
  if (locks !== undefined && locks.blocks > 0) return;
  const probe = openProbe(directory);
  try {
    const tried = Buffer.alloc(LOCKS);
    for (let done = 0; done < tried.length; ) done += writeSync(probe, tried, done);
  } finally {
    ftruncateSync(probe, 0);
    closeSync(probe);
  }
}

/**
 * Room for what lmdb writes, taken before it does: lmdb must not find out that the disk is full, or broken. Its own
 * report of a failed write is longer than the memory that it takes for it, and sooner or later that ends the process
 * (docs/decisions/lmdb.md). So its file ends with pages that are on the disk and not in use, and each write is tried
 * first with one byte beside it.
 */
export class FileRoom {
  readonly #data: number;
  readonly #probe: number;
  /** Bytes that writes under way may take. */
  #promised = 0;

  /**
   * @param directory of an environment that is open
   * @throws what the system says: it cannot be written, or is full and there is no record yet; those that are there can
   * be read and removed
   */
  constructor(directory: string) {
    this.#probe = openProbe(directory);
    try {
      // Appended to, so that it can never overwrite what lmdb writes at the same time.
      this.#data = openSync(join(directory, 'data.mdb'), 'a+');
    } catch (error) {
      closeSync(this.#probe);
      throw error;
    }
    try {
      this.#try();
      this.#grow(FOR_REMOVALS + RESERVE + STEP);
    } catch (error) {
      if (isDiskFull(error) && usedBytes(this.#data) > META_PAGES * PAGE) return;
      this.close();
      throw error;
    }
  }

  /**
   * @param bytes of a value; undefined: one is removed
   * @param fromReserve it may not wait
   * @returns to be called when it is written, or is not
   * @throws what the system says: it is full, or cannot be written
   */
  take(bytes?: number, fromReserve = false): () => void {
    this.#try();
    const most = bytes === undefined ? REMOVAL : bytes + PUT;
    this.#promised += most;
    const giveBack = (): void => {
      this.#promised -= most;
    };
    try {
      const forRemovals = bytes === undefined ? 0 : FOR_REMOVALS;
      const reserve = bytes === undefined || fromReserve ? 0 : RESERVE;
      this.#grow(COMMIT + forRemovals + reserve);
    } catch (error) {
      giveBack();
      throw error;
    }
    return giveBack;
  }

  close(): void {
    closeSync(this.#data);
    closeSync(this.#probe);
  }

  #try(): void {
    writeSync(this.#probe, '\0', 0);
  }

  /** Until there is so much beside what was promised. */
  #grow(beside: number): void {
    const missing = usedBytes(this.#data) + this.#promised + beside - fstatSync(this.#data).size;
    if (missing <= 0) return;
    const more = Buffer.alloc(Math.ceil(missing / STEP) * STEP);
    for (let done = 0; done < more.length; ) done += writeSync(this.#data, more, done);
  }
}
