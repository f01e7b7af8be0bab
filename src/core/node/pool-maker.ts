import type { Logger } from 'pino';
import type { RecordingDriver } from '../agent/ledger/recording-driver.ts';
import { createOpenChannel } from '../guest/open-channel.ts';
import type { LocalImageStore } from '../image/image-store.ts';
import { bootInstance } from '../instance/boot-instance.ts';
import type { Clock } from '../model/clock.ts';
import type { Descriptors } from '../model/failure/descriptors.ts';
import { newInstanceId } from '../model/ids.ts';
import type { PoolMeter, PoolPolicy } from '../model/pool/pool.ts';
import { surroundingsOf } from '../model/sandbox/command.ts';
import type { Tally } from '../model/tally.ts';
import { traced } from '../model/trace.ts';
import { createPool } from '../pool/create-pool.ts';
import type { Pool } from '../pool/pool.ts';

/** Milliseconds. A refill takes tens of processor time; the claim that woke it is done in a few. */
const REFILL_DELAY = 3;

export interface PoolParts {
  recording: RecordingDriver;
  images: LocalImageStore;
  /** Has the id of every instance while it boots. */
  booting: Set<string>;
  descriptors: Descriptors;
  /** Where each pool counts what it does. */
  meter?: (pool: string) => PoolMeter;
  tally: Tally;
  clock: Clock;
  log: Logger;
}

/** How a pool is made on this node: all pools share its driver and its images. */
export function poolMaker(parts: PoolParts): (policy: PoolPolicy) => Pool {
  const { recording, images, booting, descriptors, meter, tally, clock, log } = parts;
  const openChannel = createOpenChannel(clock);
  return (policy) => {
    const driver = recording.forPool(policy.name);
    return createPool({
      policy,
      clock,
      log: log.child({ component: 'pools', pool: policy.name }),
      meter: meter?.(policy.name),
      refillDelay: REFILL_DELAY,
      // The warm-up command starts from what any command of the image starts from.
      processFor: async (shape, argv) => {
        const { config } = await images.resolve(shape.image);
        return { ...surroundingsOf(config), argv, tty: false, stdin: false };
      },
      boot: async (shape, signal, lowUntil) => {
        descriptors.assertFor('boot');
        const { root } = await images.resolve(shape.image);
        const id = shape.again ?? newInstanceId();
        booting.add(id);
        const request = { id, shape, root, lowUntil };
        const terms = { clock, signal, tally: tally.guests };
        try {
          // One that nobody waits for is no part of what woke the pool.
          return await traced('instance.boot', () => bootInstance(driver, openChannel, request, terms), {
            root: lowUntil !== undefined,
            attributes: { 'fsb.pool': policy.name, 'fsb.instance': id },
          });
        } finally {
          booting.delete(id);
        }
      },
    });
  };
}
