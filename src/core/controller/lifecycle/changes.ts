import type { Logger } from 'pino';
import type { AgentApi } from '../../api/agent-api.ts';
import type { SandboxChange } from '../../api/sandbox-api.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import { formatSize } from '../../model/quantity.ts';
import { type CheckedChange, keysOf, readChange } from '../../model/sandbox/change.ts';
import { assertWithin } from '../../model/sandbox/node-limits.ts';
import { refKey, type Sandbox } from '../../model/sandbox/sandbox.ts';
import { defaultResources, type Resources } from '../../model/sandbox/shape.ts';
import { assertLabels } from '../../model/sandbox/spec-size.ts';
import { type Expires, expiresOf } from '../decide/expires.ts';
import { type Lost, lostFor } from '../decide/failure-policy.ts';
import { assertRunning, assertStays, isPaused } from '../decide/requirements.ts';
import { assertTimeLeft } from '../records/new-sandbox.ts';
import type { Registry } from '../records/registry.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';
import type { Lifecycle } from './lifecycle.ts';

export interface ChangesParts {
  agent: AgentApi;
  registry: Pick<Registry, 'assertRoomFor' | 'rename'>;
  lifecycle: Lifecycle;
  clock: Clock;
  log: Logger;
}

/**
 * What changes a sandbox within its generation. The node first, which has it on its own record, then ours: a core that is
 * killed in between learns from the node what is.
 */
export class Changes {
  readonly #agent: AgentApi;
  readonly #registry: ChangesParts['registry'];
  readonly #lifecycle: Lifecycle;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor({ agent, registry, lifecycle, clock, log }: ChangesParts) {
    this.#agent = agent;
    this.#registry = registry;
    this.#lifecycle = lifecycle;
    this.#clock = clock;
    this.#log = log;
  }

  async pause(entry: SandboxEntry): Promise<void> {
    const { name, state, id } = entry.sandbox;
    assertRunning(entry.sandbox);
    if (isPaused(state))
      throw new FsbError('conflict', `sandbox ${name} is paused already`, {
        hint: `Let it go on with: fsb-ctl unpause ${name}`,
      });
    await this.#agent.pause(id);
    failpoint('pause.done');
    await this.#enterPaused(entry, true);
  }

  async unpause(entry: SandboxEntry): Promise<void> {
    const { name, state, id } = entry.sandbox;
    assertRunning(entry.sandbox);
    if (!isPaused(state))
      throw new FsbError('conflict', `sandbox ${name} is not paused`, {
        hint: `See how it is with: fsb-ctl get ${name}`,
      });
    await this.#agent.unpause(id);
    failpoint('unpause.done');
    await this.#enterPaused(entry, undefined);
  }

  /** The one change that is ours first: the name of the node is only for people, and the next core tells it again. */
  async rename(entry: SandboxEntry, name: string): Promise<void> {
    await this.#registry.rename(entry, name, this.#clock.now());
    failpoint('rename.recorded');
    const { id } = entry.sandbox;
    await this.#agent
      .rename(id, refKey(entry.sandbox))
      .catch((error) => this.#log.error({ err: error, sandbox: id }, 'cannot tell the node a name'));
  }

  async update(entry: SandboxEntry, input: SandboxChange): Promise<void> {
    const change = readChange(input);
    assertTimeLeft('invalid change of a sandbox: expire_time', change.expireTime ?? 0, this.#clock.now());
    const { id, spec: before, state } = entry.sandbox;
    const spec = changedSpec(before, change);
    if (addsLabels(change)) this.#registry.assertRoomFor({ ...entry.sandbox, spec });
    if (change.resources !== undefined) assertWithin(change.resources, await this.#agent.facts());
    const limits = change.resources !== undefined && state.phase === 'Running';
    if (limits) await this.#agent.update(id, limitsOf(spec));
    else if (change.resources?.memory !== undefined) await this.#assertFits(spec, change.resources.memory);
    failpoint('update.limited');
    try {
      assertStays(entry.sandbox);
      const now = this.#clock.now();
      const runs = entry.sandbox.state.phase === 'Running';
      const expires = runs ? newExpires(change, spec, this.#clock) : undefined;
      const recovery = newRecovery(change, { ...entry.sandbox, spec }, this.#clock);
      const left = entry.sandbox.autoRemove && change.detached && { detached: change.detached };
      await entry.change(
        { spec, ...expires, ...recovery, ...left },
        now,
        `updated: ${keysOf(change).join(', ')}`,
      );
      if (expires ?? recovery) this.#lifecycle.follow(entry.sandbox);
    } catch (error) {
      if (limits)
        await this.#agent.update(id, limitsOf({ ...spec, resources: before.resources })).catch(noop);
      throw error;
    }
  }

  /** One that does not run is given no memory with which it never could. @throws no_capacity */
  async #assertFits({ pool_ref }: Sandbox['spec'], memory: number): Promise<void> {
    const pool = await this.#agent.pools.get(pool_ref).catch((error: unknown) => {
      // Its start says what is missing; whoever changes it may be about to make the pool.
      if (FsbError.from(error).code === 'not_found') return undefined;
      throw error;
    });
    if (pool === undefined || memory <= pool.policy.memoryBudget) return;
    const all = formatSize(pool.policy.memoryBudget);
    throw new FsbError(
      'no_capacity',
      `pool ${pool_ref} has ${all} of memory in all, but ${formatSize(memory)} are asked for`,
      {
        hint: `Ask for less memory, or give the pool more: fsb-ctl pool update ${pool_ref} --memory-budget SIZE`,
      },
    );
  }

  /** It may have ended meanwhile: then its end says more. */
  async #enterPaused(entry: SandboxEntry, paused: true | undefined): Promise<void> {
    const { state } = entry.sandbox;
    if (state.phase !== 'Running') return assertRunning(entry.sandbox);
    const next = { phase: 'Running' as const, startedAt: state.startedAt, ...(paused && { paused }) };
    await entry.enter(next, this.#clock.now(), paused ? 'paused' : 'unpaused');
  }
}

/** What a running sandbox was given is all in its spec. */
const limitsOf = ({ resources }: Sandbox['spec']): Resources => ({ ...defaultResources, ...resources });

/** Undefined: as before. A new ttl counts from now on. */
function newExpires(
  { ttl, expireTime }: CheckedChange,
  changed: Sandbox['spec'],
  clock: Clock,
): Expires | undefined {
  if (ttl === undefined && expireTime === undefined) return undefined;
  return expiresOf(changed, { startedAt: clock.now(), began: clock.monotonic() });
}

/** Of a lost one: its recovery timeout counts from now on, too. Undefined: as before. */
function newRecovery(
  { failurePolicy, recoveryTimeoutSeconds }: CheckedChange,
  { state, spec, recreated }: Sandbox,
  clock: Clock,
): { state: Lost } | undefined {
  if (state.phase !== 'Lost' || (failurePolicy ?? recoveryTimeoutSeconds) === undefined) return undefined;
  return { state: lostFor(state, spec, clock, recreated) };
}

const addsLabels = ({ labels = {} }: CheckedChange): boolean =>
  Object.values(labels).some((value) => value !== null);

function changedSpec(spec: Sandbox['spec'], change: CheckedChange): Sandbox['spec'] {
  const { ttl, expireTime, failurePolicy, recoveryTimeoutSeconds, labels = {}, resources } = change;
  const all = Object.entries({ ...spec.labels, ...labels }).filter(([, value]) => value !== null);
  const kept = Object.fromEntries(all) as Record<string, string>;
  // Those of its image are as long as they are.
  if (addsLabels(change)) assertLabels(kept);
  return {
    ...spec,
    ...((ttl !== undefined || expireTime !== undefined) && {
      ttl: ttl === 0 ? undefined : ttl,
      expire_time: expireTime ?? 0,
    }),
    ...(failurePolicy && { failure_policy: failurePolicy }),
    ...(recoveryTimeoutSeconds !== undefined && { recovery_timeout_seconds: recoveryTimeoutSeconds }),
    labels: kept,
    resources: { ...spec.resources, ...resources },
  };
}
