import type { Lease } from '../../core/model/pool.ts';
import { formatAge, formatDuration } from '../../core/model/quantity.ts';
import { familiarName } from '../../core/model/reference.ts';
import type { Listing } from './output.ts';
import { timestamp } from './sandbox-view.ts';

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

const leaseView = ({ createdAt, ttl, running, ...lease }: Lease): LeaseView => ({
  ...{ id: lease.id, pool: lease.pool, image: lease.image, instance: lease.instance, warm: lease.warm },
  ...{ created_at: timestamp(createdAt), ttl_ms: ttl, running },
});

export function leaseListing(leases: Lease[], now: number): Listing<LeaseView> {
  return {
    items: leases.map(leaseView),
    columns: [
      { title: 'LEASE', value: (l) => l.id },
      { title: 'POOL', value: (l) => l.pool },
      { title: 'IMAGE', value: (l) => familiarName(l.image) },
      { title: 'AGE', value: (l) => formatAge(now - Date.parse(l.created_at)) },
      { title: 'TTL', value: (l) => (l.ttl_ms === 0 ? 'never' : formatDuration(l.ttl_ms)) },
      { title: 'RUNNING', value: (l) => String(l.running), tone: (l) => (l.running > 0 ? 'good' : 'plain') },
      { title: 'INSTANCE', wide: true, value: (l) => l.instance },
      { title: 'START', wide: true, value: (l) => (l.warm ? 'warm' : 'cold') },
    ],
    name: (l) => l.id,
  };
}
