import { collectDefaultMetrics, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../../model/clock.ts';
import type { SandboxSpecInput } from '../../model/spec.ts';

export interface ServerMetrics {
  /** Runs a create and counts how long it took and whether it succeeded. */
  timeCreate<T>(spec: Pick<SandboxSpecInput, 'consistency_mode'>, run: () => Promise<T>): Promise<T>;
}

export function serverMetrics(registry: Registry, clock: Clock): ServerMetrics {
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

/** Memory, processor time, descriptors, event-loop delay and garbage collection of this process. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 10 });
}
