import type { Lease } from '../model/pool/pool.ts';
import { timestamp } from './timestamp.ts';

/** A lease as `-o json` shows it. */
export interface LeaseView {
  id: string;
  pool: string;
  image: string;
  instance: string;
  /** An idle instance served it. */
  warm: boolean;
  created_at: string;
  /** Reclaimed when no command ran in it for so long; 0: never. */
  ttl_ms: number;
  /** How many commands run in it now. */
  running: number;
}

export const leaseView = ({ createdAt, ttl, running, ...lease }: Lease): LeaseView => ({
  ...{ id: lease.id, pool: lease.pool, image: lease.image, instance: lease.instance, warm: lease.warm },
  ...{ created_at: timestamp(createdAt), ttl_ms: ttl, running },
});
