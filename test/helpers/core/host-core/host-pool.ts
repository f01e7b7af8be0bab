import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { newInstanceId } from '../../../../src/core/model/ids.ts';
import type { LeaseTerms } from '../../../../src/core/model/pool/lease-request.ts';
import type {
  PoolEvent,
  PoolInfo,
  PoolInstance,
  PoolPolicy,
  PoolShapeStatus,
  PoolState,
} from '../../../../src/core/model/pool/pool.ts';
import type { PoolPolicyInput } from '../../../../src/core/model/pool/pool-policy.ts';
import { type BootTerms, HostShape } from './host-shape.ts';

export interface HostInstance {
  id: string;
  shape: HostShape;
  claimed: boolean;
  since: number;
  holder?: string;
}

export interface HostClaim {
  instance: HostInstance;
  hit: boolean;
}

interface Waiter {
  /** Takes what it waits for, when that is there; true when it did. */
  attempt(): boolean;
  reject(error: FsbError): void;
}

/** A pool whose instances are only counted: what "runs in" one is a process of this machine. Boots take no time. */
export class HostPool {
  state: PoolState = 'active';
  /** As the user wrote it, and with every default filled in. */
  said: PoolPolicyInput;
  policy: PoolPolicy;
  readonly #emit: (event: PoolEvent) => void;
  readonly #createdAt = Date.now() + 0.5;
  readonly #instances = new Set<HostInstance>();
  readonly #shapes = new Map<string, HostShape>();
  #waiters: Waiter[] = [];
  #emptied: (() => void)[] = [];

  constructor(said: PoolPolicyInput, policy: PoolPolicy, emit: (event: PoolEvent) => void) {
    this.said = said;
    this.policy = policy;
    this.#emit = emit;
    this.changed();
  }

  get claimed(): HostInstance[] {
    return [...this.#instances].filter(({ claimed }) => claimed);
  }

  imageOf({ image }: Pick<LeaseTerms, 'image'>): string {
    return image ?? this.policy.warm[0]?.image ?? 'host';
  }

  /** @throws conflict, no_capacity, the signal's reason */
  async claim(request: LeaseTerms, signal?: AbortSignal): Promise<HostClaim> {
    const startedAt = performance.now();
    const claim = await this.#claim(request, signal);
    claim.instance.shape.claimed(claim.hit, performance.now() - startedAt);
    return claim;
  }

  async #claim(request: LeaseTerms, signal?: AbortSignal): Promise<HostClaim> {
    if (this.state === 'drained')
      throw new FsbError('conflict', `the pool ${this.policy.name} is drained`, {
        hint: `Start it again with \`fsb-ctl pool update ${this.policy.name} --start\`.`,
      });
    const shape = this.#shape(this.imageOf(request), request);
    const onEmpty = request.onEmpty ?? this.policy.onEmpty;
    const ready = this.#take(shape, onEmpty === 'boot');
    if (ready !== undefined) {
      this.changed();
      return ready;
    }
    if (onEmpty === 'fail' || shape.resources.memory > this.policy.memoryBudget)
      throw this.#noCapacity('nothing idle fits');
    return this.#wait(shape, onEmpty === 'boot', request.wait ?? this.policy.queue.timeout, signal);
  }

  giveBack(instance: HostInstance, destroy = false): void {
    this.#emit({ type: 'returned', instance: instance.id, shape: instance.shape.key });
    if (!destroy && this.policy.reuse === 'sticky' && this.state === 'active')
      Object.assign(instance, { claimed: false, since: Date.now(), holder: undefined });
    else this.#destroy(instance, 'released');
    this.changed();
  }

  stop(): void {
    this.state = 'stopped';
    this.changed();
  }

  /** Resolves when no instance is left. */
  drain(): Promise<void> {
    this.state = 'drained';
    for (const waiter of this.#waiters) waiter.reject(new FsbError('conflict', 'the pool is being drained'));
    this.changed();
    return this.#instances.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#emptied.push(resolve));
  }

  /** Whoever waits goes on if it can; what is to be warm is. */
  changed(): void {
    for (const instance of this.#instances)
      if (!instance.claimed && this.state !== 'active') this.#destroy(instance, 'not needed');
    do {
      if (this.state !== 'active') continue;
      for (const { image, count } of this.policy.warm) this.#keepWarm(this.#shape(image), count);
    } while (this.#serve());
    if (this.#instances.size > 0) return;
    if (this.state === 'drained' && this.#emptied.length > 0) this.#emit({ type: 'drained' });
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  info(): PoolInfo {
    const claimed = this.claimed.length;
    return structuredClone({
      ...{ name: this.policy.name, state: this.state, policy: this.policy, createdAt: this.#createdAt },
      ...{ idle: this.#instances.size - claimed, claimed, booting: 0, stopping: 0 },
      ...{ waiting: this.#waiters.length, memory: this.#memory, min: this.policy.capacity.min },
    });
  }

  rows(): PoolShapeStatus[] {
    return [...this.#shapes.values()].map((shape) => {
      const own = [...this.#instances].filter((instance) => instance.shape === shape);
      const claimed = own.filter((instance) => instance.claimed).length;
      return {
        ...{ pool: this.policy.name, shape: shape.key, image: shape.image, bootedWith: shape.bootedWith },
        max: this.policy.capacity.max,
        warm: this.policy.warm.find(({ image }) => this.#shape(image) === shape)?.count ?? 0,
        ...{ idle: own.length - claimed, claimed, booting: 0, stopping: 0, waiting: 0 },
        ...shape.counts(),
      };
    });
  }

  instances(): PoolInstance[] {
    return [...this.#instances].map(({ id, shape, claimed, since, holder }) => ({
      ...{ id, shape: shape.key, image: shape.image, state: claimed ? 'claimed' : 'idle', pid: process.pid },
      age: Date.now() - since,
      ...(holder === undefined ? {} : { holder }),
    }));
  }

  get #memory(): number {
    return [...this.#instances].reduce((sum, { shape }) => sum + shape.resources.memory, 0);
  }

  #take(shape: HostShape, mayBoot: boolean): HostClaim | undefined {
    const idle = [...this.#instances].findLast((it) => it.shape === shape && !it.claimed);
    const instance = idle ?? (mayBoot ? this.#bootForClaim(shape) : undefined);
    if (instance === undefined) return undefined;
    Object.assign(instance, { claimed: true, since: Date.now() });
    this.#emit({ type: 'claimed', instance: instance.id, shape: shape.key });
    return { instance, hit: idle !== undefined };
  }

  #bootForClaim(shape: HostShape): HostInstance | undefined {
    while (!this.#fits(shape)) {
      const victim = [...this.#instances].find(({ claimed }) => !claimed);
      if (victim === undefined) return undefined;
      victim.shape.evicted += 1;
      this.#emit({ type: 'evicted', instance: victim.id, shape: victim.shape.key, cause: 'room' });
      this.#destroy(victim, 'evicted');
    }
    return this.#boot(shape);
  }

  #fits({ resources }: HostShape): boolean {
    return (
      this.#instances.size < this.policy.capacity.max &&
      this.#memory + resources.memory <= this.policy.memoryBudget
    );
  }

  #boot(shape: HostShape): HostInstance {
    const instance = { id: newInstanceId(), shape, claimed: false, since: Date.now() };
    this.#instances.add(instance);
    this.#emit({ type: 'created', instance: instance.id, shape: shape.key });
    return instance;
  }

  #keepWarm(shape: HostShape, count: number): void {
    const idle = [...this.#instances].filter((it) => it.shape === shape && !it.claimed);
    for (let missing = count - idle.length; missing > 0 && this.#fits(shape); missing -= 1)
      this.#emit({ type: 'idle', instance: this.#boot(shape).id, shape: shape.key });
  }

  #destroy(instance: HostInstance, cause: string): void {
    this.#instances.delete(instance);
    this.#emit({ type: 'destroyed', instance: instance.id, shape: instance.shape.key, cause });
  }

  #shape(image: string, said: BootTerms = { resources: {}, network: 'none', mounts: [] }): HostShape {
    const resources = { ...this.policy.resources, ...said.resources };
    const made = new HostShape(image, resources, said);
    const known = this.#shapes.get(made.key) ?? made;
    this.#shapes.set(made.key, known);
    return known;
  }

  /** True when somebody got what he waited for. */
  #serve(): boolean {
    const before = this.#waiters;
    this.#waiters = before.filter((waiter) => !waiter.attempt());
    return this.#waiters.length < before.length;
  }

  #wait(shape: HostShape, mayBoot: boolean, deadline: number, signal?: AbortSignal): Promise<HostClaim> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
      };
      const waiter: Waiter = {
        attempt: () => {
          const claim = this.#take(shape, mayBoot);
          if (claim === undefined) return false;
          settle();
          resolve(claim);
          return true;
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(
        () =>
          waiter.reject(
            this.#noCapacity(`none came free within ${deadline} ms`, new FsbError('timeout', 'waited')),
          ),
        deadline,
      );
      const abort = (): void => waiter.reject(FsbError.from(signal?.reason));
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
      if (signal?.aborted) abort();
    });
  }

  #noCapacity(why: string, cause?: FsbError): FsbError {
    return new FsbError('no_capacity', `the pool ${this.policy.name} has no instance: ${why}`, {
      hint: 'Raise --max, or release what is claimed.',
      cause,
    });
  }
}
