import type { LeaseRequest, PoolChange } from '../../api/pool-api.ts';
import type { CoreEvent, Lease, PoolDetails, PoolInfo, PoolInstance, PoolShapeStatus } from '../../model/pool.ts';
