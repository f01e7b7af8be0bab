import { familiarName } from '../../../core/model/image/reference.ts';
import type { Lease } from '../../../core/model/pool/pool.ts';
import { formatAge, formatDuration } from '../../../core/model/quantity.ts';
import { type LeaseView, leaseView } from '../../../core/view/lease-view.ts';
import type { Listing } from '../output.ts';
import { sampleLease } from '../samples.ts';

export function leaseListing(leases: Lease[], now: number): Listing<LeaseView> {
  return {
    items: leases.map(leaseView),
    sample: sampleLease,
    columns: [
      { title: 'LEASE', whole: true, value: (l) => l.id },
      { title: 'POOL', value: (l) => l.pool },
      { title: 'IMAGE', value: (l) => familiarName(l.image) },
      { title: 'AGE', spare: -1, value: (l) => formatAge(now - Date.parse(l.created_at)) },
      { title: 'TTL', spare: 0, value: (l) => (l.ttl_ms === 0 ? 'never' : formatDuration(l.ttl_ms)) },
      {
        title: 'RUNNING',
        spare: -2,
        value: (l) => String(l.running),
        tone: (l) => (l.running > 0 ? 'good' : 'plain'),
      },
      { title: 'INSTANCE', wide: true, value: (l) => l.instance },
      { title: 'START', wide: true, value: (l) => (l.warm ? 'warm' : 'cold') },
    ],
    name: (l) => l.id,
  };
}
