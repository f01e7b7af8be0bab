import type { GuestChannel, OpenChannel } from '../guest/guest-channel.ts';
import type { Clock } from '../model/clock.ts';
import { FsbError, throwIfAborted } from '../model/failure/errors.ts';
import { failpoint } from '../model/failure/failpoint.ts';
import type { Shape } from '../model/sandbox/shape.ts';
import type { GuestTally } from '../model/tally.ts';
import type { BootedInstance, BootRequest, RuntimeDriver } from '../runtime/driver.ts';
import { withDeadline } from './deadline.ts';
import type { Instance } from './instance.ts';
import { defaultInstanceLimits, type InstanceLimits, ManagedInstance } from './managed-instance.ts';

export interface InstanceOptions {
  clock: Clock;
  /** Milliseconds for connecting and shaking hands. */
  connectTimeout?: number;
  limits?: Partial<InstanceLimits>;
  /** Left out: nobody reads it. */
  tally?: GuestTally;
  signal?: AbortSignal;
}

const CONNECT_TIMEOUT = 5_000;

/**
 * Boots, connects and shakes hands: an idle instance.
 * @throws run_failed, cancelled, timeout; nothing is left behind then
 */
export async function bootInstance(
  driver: RuntimeDriver,
  openChannel: OpenChannel,
  request: BootRequest,
  options: InstanceOptions,
): Promise<Instance> {
  throwIfAborted(options.signal);
  const booted = await bootOrCleanUp(driver, request, options);
  try {
    throwIfAborted(options.signal);
    const channel = await connect(openChannel, booted, options);
    failpoint('boot.connected');
    const { clock, limits, tally } = options;
    return new ManagedInstance({
      driver,
      channel,
      booted,
      shape: request.shape,
      clock,
      limits,
      tally,
      state: 'idle',
    });
  } catch (error) {
    await cleanUp(driver, booted.id, options);
    throw error;
  }
}

/**
 * Takes over an instance that lived before this core, idle or claimed.
 * @throws run_failed, cancelled; the instance is as it was: the caller decides what becomes of it
 */
export async function adoptInstance(
  driver: RuntimeDriver,
  openChannel: OpenChannel,
  booted: BootedInstance,
  shape: Shape,
  state: 'idle' | 'claimed',
  options: InstanceOptions,
): Promise<Instance> {
  throwIfAborted(options.signal);
  const channel = await connect(openChannel, booted, options);
  const { clock, limits, tally } = options;
  return new ManagedInstance({ driver, channel, booted, shape, clock, limits, tally, state });
}

function connect(
  openChannel: OpenChannel,
  booted: BootedInstance,
  options: InstanceOptions,
): Promise<GuestChannel> {
  const { signal, connectTimeout: timeoutMs = CONNECT_TIMEOUT } = options;
  return openChannel(booted.channelPath, { timeoutMs, signal });
}

/** A driver cleans up after itself when aborted; one that does not answer to the signal is cleaned up after. */
function bootOrCleanUp(
  driver: RuntimeDriver,
  request: BootRequest,
  options: InstanceOptions,
): Promise<BootedInstance> {
  const { signal, clock } = options;
  const boot = driver.boot(request, signal);
  if (!signal) return boot;
  return new Promise((resolve, reject) => {
    let cancelGrace = (): void => undefined;
    const giveUp = (): void => {
      boot.then(
        () => cleanUp(driver, request.id, options),
        () => undefined,
      );
      void cleanUp(driver, request.id, options).then(() => reject(FsbError.from(signal.reason)));
    };
    const onAbort = (): void => {
      cancelGrace = clock.after(options.limits?.control ?? defaultInstanceLimits.control, giveUp);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    boot.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
      cancelGrace();
    });
  });
}

/** Never throws: the failure that led here is the one to report, and the janitor finds what is left. */
async function cleanUp(driver: RuntimeDriver, id: string, options: InstanceOptions): Promise<void> {
  const limit = options.limits?.destroy ?? defaultInstanceLimits.destroy;
  await withDeadline(options.clock, limit, `destroying instance ${id}`, driver.destroy(id)).catch(
    () => undefined,
  );
}
