import type { Logger } from 'pino';
import type { PoolMeter } from '../../model/pool/pool.ts';

/** A meter that breaks must not break a claim, or leave one uncounted in the pool itself. */
export function safeMeter(meter: PoolMeter | undefined, log: Logger): PoolMeter {
  const safely = (report: (meter: PoolMeter) => void): void => {
    if (meter === undefined) return;
    try {
      report(meter);
    } catch (error) {
      log.error({ err: error }, 'the meter of the pool failed');
    }
  };
  return {
    claim: (result, ms) => safely((to) => to.claim(result, ms)),
    waited: (ms) => safely((to) => to.waited(ms)),
    booted: (shape, ms) => safely((to) => to.booted(shape, ms)),
    bootFailed: (shape, reason) => safely((to) => to.bootFailed(shape, reason)),
    evicted: (cause) => safely((to) => to.evicted(cause)),
  };
}
