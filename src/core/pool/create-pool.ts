import type { PoolOptions } from './parts.ts';
import type { Pool } from './pool.ts';
import { WarmPool } from './warm-pool.ts';

/** Boots nothing until keepWarm() or claim() asks for it. */
export const createPool = (options: PoolOptions): Pool => new WarmPool(options);
