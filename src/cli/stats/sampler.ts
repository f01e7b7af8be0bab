import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { refKey, type Sandbox, type SandboxUsage } from '../../core/model/sandbox/sandbox.ts';
import { timestamp } from '../../core/view/timestamp.ts';
import type { StatsView } from '../output/listings/stats-view.ts';

export interface SamplerOptions {
  /** Undefined: every namespace. */
  namespace: string | undefined;
  /** Only these, in this order; empty: all that run. */
  names: string[];
  /** Also those that have ended. */
  all: boolean;
}

/** What sandboxes use from one look to the next. */
export class Sampler {
  readonly #core: CoreApi;
  readonly #options: SamplerOptions;
  /** By sandbox id: a new generation counts from nothing. */
  #before = new Map<string, SandboxUsage>();

  constructor(core: CoreApi, options: SamplerOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Those without an earlier look have no processor time yet. @throws not_found: one that was named was never there */
  async next(call: CallOptions): Promise<StatsView[]> {
    const { namespace, names, all } = this.#options;
    const withEnded = all || names.length > 0;
    const [usages, sandboxes] = await Promise.all([
      this.#core.sandboxes.usage({ namespace }, call),
      withEnded ? this.#core.sandboxes.list({ namespace }, call) : [],
    ]);
    const before = this.#before;
    this.#before = new Map(usages.map((usage) => [usage.id, usage]));
    const rows = new Map(sandboxes.map((sandbox) => [refKey(sandbox), idleView(sandbox)]));
    for (const usage of usages) rows.set(refKey(usage), usageView(usage, before.get(usage.id)));
    if (names.length > 0)
      return names.flatMap((name) => rows.get(refKey({ namespace: namespace!, name })) ?? []);
    return [...rows.values()];
  }
}

const idleView = ({ name, namespace, id }: Sandbox): StatsView => ({
  ...{ name, namespace, id, time: null, cpu_percent: null },
  ...{ memory: null, memory_limit: null, memory_percent: null, pids: null },
});

export function usageView(usage: SandboxUsage, before: SandboxUsage | undefined): StatsView {
  const { name, namespace, id, time, memory, pids, limits } = usage;
  return {
    ...{ name, namespace, id, time: timestamp(time) },
    cpu_percent: before === undefined ? null : cpuPercent(before, usage),
    ...{ memory, memory_limit: limits.memory },
    memory_percent: limits.memory > 0 ? round((memory / limits.memory) * 100) : null,
    pids,
  };
}

/** 100 is one whole core. A clock that was set back gives none. */
function cpuPercent(before: SandboxUsage, now: SandboxUsage): number | null {
  const micros = (now.time - before.time) * 1000;
  return micros > 0 ? round(Math.max(0, ((now.cpuMicros - before.cpuMicros) / micros) * 100)) : null;
}

const round = (percent: number): number => Math.round(percent * 100) / 100;
