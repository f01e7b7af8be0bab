import { type Block, type LogDirectory, readBlock } from './segment.ts';

/** Reads of one log: followers that wake together want the same bytes, and one of them reads these for all. */
export class SharedBlocks {
  readonly #reading = new Map<string, Promise<Block>>();

  /** As readBlock. What it gives is everybody's: nobody may change it. */
  read(place: LogDirectory, number: number, position: number, end: number): Promise<Block> {
    const key = `${number} ${position} ${end}`;
    const reading = this.#reading.get(key);
    if (reading !== undefined) return reading;
    const block = readBlock(place, number, position, end).finally(() => this.#reading.delete(key));
    this.#reading.set(key, block);
    return block;
  }
}
