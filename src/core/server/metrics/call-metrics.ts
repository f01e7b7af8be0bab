import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { ProcessSession } from '../../model/process.ts';
import type { SandboxSpecInput } from '../../model/sandbox/spec.ts';

/** Whose command it is: of a sandbox, of a lease, of a one-shot run, or one of fsb-init's tools (`cp`, `top`). */
export type ExecKind = 'sandbox' | 'lease' | 'run' | 'tool';

export interface CallMetrics {
  /** Runs a create and counts how long it took and whether it succeeded. */
  timeCreate<T>(spec: Pick<SandboxSpecInput, 'consistency_mode'>, run: () => Promise<T>): Promise<T>;
  /** Starts a command and counts it until its end, or until nobody waits for that any more. */
  exec(kind: ExecKind, start: () => Promise<ProcessSession>): Promise<ProcessSession>;
  /** Counts a pull, and how it ended. */
  pull<T>(events: AsyncIterable<T>): AsyncGenerator<T>;
  /** Counts a reader of a log while it reads. */
  read<T>(entries: AsyncIterable<T>): AsyncGenerator<T>;
}

const EXEC_KINDS: readonly ExecKind[] = ['sandbox', 'lease', 'run', 'tool'];
const EXEC_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600];
type PullResult = 'done' | 'failed' | 'cancelled';
const PULL_RESULTS: readonly PullResult[] = ['done', 'failed', 'cancelled'];

/** What callers ask for, in this registry. */
export function callMetrics(registry: Registry, clock: Clock): CallMetrics {
  const { creates, execs, execSeconds, execsRunning, pulls, pullsRunning, readers } = metricsOf(registry);
  for (const kind of EXEC_KINDS) {
    execsRunning.set({ kind }, 0);
    for (const result of ['started', 'failed']) execs.inc({ kind, result }, 0);
  }
  for (const result of PULL_RESULTS) pulls.inc({ result }, 0);
  const since = (start: number): number => (clock.monotonic() - start) / 1000;
  return {
    async timeCreate(spec, run) {
      const startedAt = clock.monotonic();
      const observe = (success: boolean): void =>
        creates.observe({ mode: modeOf(spec), success: String(success) }, since(startedAt));
      try {
        const result = await run();
        observe(true);
        return result;
      } catch (error) {
        observe(false);
        throw error;
      }
    },
    async exec(kind, start) {
      const startedAt = clock.monotonic();
      try {
        const session = await start();
        execs.inc({ kind, result: 'started' });
        execsRunning.inc({ kind });
        const ended = (): void => {
          execsRunning.dec({ kind });
          execSeconds.observe({ kind }, since(startedAt));
        };
        session.exited.then(ended, ended);
        return session;
      } catch (error) {
        execs.inc({ kind, result: 'failed' });
        throw error;
      }
    },
    async *pull(events) {
      let result: PullResult = 'cancelled';
      pullsRunning.inc();
      try {
        yield* events;
        result = 'done';
      } catch (error) {
        if (FsbError.from(error).code !== 'cancelled') result = 'failed';
        throw error;
      } finally {
        pullsRunning.dec();
        pulls.inc({ result });
      }
    },
    async *read(entries) {
      readers.inc();
      try {
        yield* entries;
      } finally {
        readers.dec();
      }
    },
  };
}

/** What is asked for may be no mode at all, and is refused only later. */
const modeOf = ({ consistency_mode: mode = 'fast' }: Pick<SandboxSpecInput, 'consistency_mode'>): string =>
  ['fast', 'strong'].includes(mode) ? mode : 'other';

function metricsOf(registry: Registry) {
  const registers = [registry];
  return {
    creates: new Histogram({
      name: 'fastpath_create_sandbox_duration_seconds',
      help: 'Time from a create request to its answer.',
      labelNames: ['mode', 'success'],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    }),
    execs: new Counter({
      name: 'fsb_execs_total',
      help: 'Commands that were started in instances, or failed to.',
      labelNames: ['kind', 'result'],
      registers,
    }),
    execSeconds: new Histogram({
      name: 'fsb_exec_seconds',
      help: 'Time from the request of a command to its end.',
      labelNames: ['kind'],
      buckets: EXEC_SECONDS,
      registers,
    }),
    execsRunning: new Gauge({
      name: 'fsb_execs_running',
      help: 'Commands that run, as long as somebody waits for them.',
      labelNames: ['kind'],
      registers,
    }),
    pulls: new Counter({
      name: 'fsb_image_pulls_total',
      help: 'Pulls that were asked for, by how they ended.',
      labelNames: ['result'],
      registers,
    }),
    pullsRunning: new Gauge({
      name: 'fsb_image_pulls_running',
      help: 'Pulls that somebody waits for.',
      registers,
    }),
    readers: new Gauge({ name: 'fsb_log_readers', help: 'Readers of logs of sandboxes.', registers }),
  };
}
