import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import type { PoolMeter, PoolPolicy } from '../model/pool/pool.ts';
import { Budget, type Room } from './budget.ts';
import { Alarm } from './care/alarm.ts';
import { Autoscaler } from './care/autoscaler.ts';
import { IdlePauser } from './care/idle-pauser.ts';
import { Looks } from './care/looks.ts';
import { ShapeHealth } from './care/shape-health.ts';
import { Claims } from './claims/claims.ts';
import { Returns } from './claims/returns.ts';
import { WaitQueue } from './claims/wait-queue.ts';
import { Arrivals } from './fleet/arrivals.ts';
import type { ProcessFor } from './fleet/boots.ts';
import { Fleet } from './fleet/fleet.ts';
import { Slots } from './fleet/slots.ts';
import { Life } from './life.ts';
import type { BootInstance } from './pool.ts';
import { PoolEvents } from './report/pool-events.ts';
import { safeMeter } from './report/safe-meter.ts';
import type { ShapeRecord, Slot } from './shapes/shape-record.ts';
import { ShapeRecords } from './shapes/shape-records.ts';
import { Sizer } from './sizer.ts';

export interface PoolOptions {
  policy: PoolPolicy;
  boot: BootInstance;
  /** How the warm-up command is started. Default: as root, in `/`, with an empty environment. */
  processFor?: ProcessFor;
  /** Milliseconds by which a refill lets the claim that woke it go first. Default 0. */
  refillDelay?: number;
  meter?: PoolMeter;
  /** 0 to 1, anew at each call. Default Math.random. */
  random?: () => number;
  clock: Clock;
  log: Logger;
}

/** What the parts need of the pool that they are parts of. */
interface Whole {
  /** As it is now. */
  policy: () => PoolPolicy;
  /** Has everything decided anew, after the current step and still in the same tick. */
  wake: () => void;
  keeps: (record: ShapeRecord) => boolean;
  silence: () => void;
}

export interface PoolParts {
  clock: Clock;
  events: PoolEvents;
  budget: Budget;
  queue: WaitQueue<Slot>;
  records: ShapeRecords;
  slots: Slots;
  fleet: Fleet;
  arrivals: Arrivals;
  life: Life;
  claims: Claims;
  returns: Returns;
  health: ShapeHealth;
  alarm: Alarm;
  looks: Looks;
  pauser: IdlePauser;
  autoscaler: Autoscaler;
  sizer: Sizer;
}

export const roomOf = ({ capacity, memoryBudget }: PoolPolicy): Room => ({
  count: capacity.max,
  memory: memoryBudget,
});

const plainProcess: ProcessFor = (_, argv) => ({
  argv,
  env: {},
  cwd: '',
  user: '',
  tty: false,
  stdin: false,
});

/** Makes the parts of one pool and shows them to each other; nothing runs before the first call. */
export function assemble(options: PoolOptions, { policy, wake, keeps, silence }: Whole): PoolParts {
  const { boot, processFor = plainProcess, refillDelay = 0, random = Math.random, clock } = options;
  const { name } = options.policy;
  const log = options.log.child({ pool: name });
  const meter = safeMeter(options.meter, log);
  const events = new PoolEvents(log);
  const budget = new Budget(roomOf(options.policy));
  const queue = new WaitQueue<Slot>(clock, wake);
  const records = new ShapeRecords((key) => queue.count(key) > 0);
  const slots = new Slots({ budget, events, random, clock });
  const health = new ShapeHealth({ clock, queue, wake });
  const alarm = new Alarm(clock, wake);
  const watch = (due: number): void => alarm.by(due);
  const autoscaler = new Autoscaler({ policy, records, events, watch, clock });
  const pauser = new IdlePauser({ policy, slots, records });
  const fleet = new Fleet({
    ...{ slots, policy, events, meter, clock, log },
    observer: {
      offer: (slot) => life.refusal() === undefined && queue.serve(slot.record.key, slot),
      becameIdle: (slot) => pauser.becameIdle(slot),
      idleDied: (slot) => health.idleDied(slot),
      changed: wake,
    },
  });
  const arrivals = new Arrivals({
    ...{ slots, fleet, boot, processFor, policy, refillDelay, events, meter, clock, log },
    observer: {
      bootFailed: (record, cause) => health.bootFailed(record, cause),
      bootSucceeded: (record) => health.bootSucceeded(record),
      changed: wake,
    },
  });
  const life: Life = new Life({
    ...{ name, slots, fleet, arrivals, records, queue, events, silence, clock, log },
  });
  const claims = new Claims({
    ...{ policy, budget, fleet, queue, meter, clock, wake, keeps },
    refusal: () => life.refusal(),
    missed: (record) => autoscaler.note(record, false),
    claimed: (record, hit) => {
      if (hit) autoscaler.note(record, true);
      health.claimed(record);
    },
  });
  const keepsIdle = (): boolean => life.state === 'active' && !life.closing;
  const returns = new Returns({ policy, slots, fleet, keepsIdle, clock });
  const sizer = new Sizer({
    ...{ policy, records, fleet, arrivals, queue, budget, health, events, watch, clock },
    warming: () => life.state === 'active',
    min: () => autoscaler.min,
  });
  const looks = new Looks({ policy, records, fleet, watch, clock });
  const own = { clock, events, budget, queue, records, slots, fleet, arrivals, life, claims, returns };
  return { ...own, health, alarm, looks, pauser, autoscaler, sizer };
}
