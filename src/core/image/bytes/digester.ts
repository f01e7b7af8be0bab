import { createHash, type Hash } from 'node:crypto';
import { digestOfHex } from '../../model/image/digest.ts';

/** Makes the digest of what comes bit by bit. */
export class Digester {
  readonly #hash: Hash = createHash('sha256');
  #size = 0;

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  add(chunk: Buffer): this {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    return this;
  }

  /** `sha256:...` of what came so far; more may come. */
  digest(): string {
    return digestOfHex(this.#hash.copy().digest('hex'));
  }
}

export const digestOf = (data: Buffer): string => new Digester().add(data).digest();
