import { Histogram, type Registry } from 'prom-client';
import type { Clock } from '../../model/clock.ts';
import type { SandboxSpecInput } from '../../model/spec.ts';

export interface CreateMetrics {
  /** Runs a create and counts how long it took and whether it succeeded. */
  timeCreate<T>(spec: Pick<SandboxSpecInput, 'consistency_mode'>, run: () => Promise<T>): Promise<T>;
}

export function createMetrics(registry: Registry, clock: Clock): CreateMetrics {
  const createDuration = new Histogram({
    name: 'fastpath_create_sandbox_duration_seconds',
    help: 'Time from a create request to its answer.',
    labelNames: ['mode', 'success'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers: [registry],
  });
  return {
    async timeCreate(spec, run) {
      const startedAt = clock.monotonic();
      const observe = (success: boolean): void =>
        createDuration.observe(
          { mode: spec.consistency_mode ?? 'fast', success: String(success) },
          (clock.monotonic() - startedAt) / 1000,
        );
      try {
        const result = await run();
        observe(true);
        return result;
      } catch (error) {
        observe(false);
        throw error;
      }
    },
  };
}
