import type { LeaseTerms } from '../../../../src/core/model/pool/lease-request.ts';
import type { PoolShapeStatus } from '../../../../src/core/model/pool/pool.ts';
import {
  type Resources,
  type Shape,
  type ShapeSummary,
  shapeKey,
  summaryOf,
} from '../../../../src/core/model/sandbox/shape.ts';

export type BootTerms = Pick<LeaseTerms, 'resources' | 'network' | 'mounts'>;

/** What instances of one kind are booted with, and what was asked of them. */
export class HostShape {
  readonly key: string;
  readonly image: string;
  readonly resources: Resources;
  readonly bootedWith: ShapeSummary;
  evicted = 0;
  readonly #times: number[] = [];
  #hits = 0;
  #misses = 0;

  constructor(image: string, resources: Resources, { network, mounts }: BootTerms) {
    const sources = mounts.map(({ read_only: readOnly, ...mount }) => ({ ...mount, readOnly }));
    const shape: Shape = { image, runtime: 'none', resources, network, mounts: sources };
    this.resources = resources;
    this.bootedWith = summaryOf(shape);
    this.key = shapeKey(shape);
    this.image = image;
  }

  /** @param ms from the request to the claim */
  claimed(hit: boolean, ms: number): void {
    if (hit) this.#hits += 1;
    else this.#misses += 1;
    this.#times.push(ms);
  }

  counts(): Pick<PoolShapeStatus, 'hits' | 'misses' | 'evicted' | 'p50' | 'p99'> {
    const sorted = [...this.#times].sort((a, b) => a - b);
    const times = sorted.length === 0 ? {} : { p50: at(sorted, 0.5), p99: at(sorted, 0.99) };
    return { hits: this.#hits, misses: this.#misses, evicted: this.evicted, ...times };
  }
}

const at = (sorted: number[], share: number): number => sorted[Math.floor(sorted.length * share)]!;
