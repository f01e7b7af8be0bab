import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import type { PoolRunRequest } from '../../src/core/api/pool-api.ts';
import type { ExecRequest } from '../../src/core/api/sandbox-api.ts';
import { type ErrorBody, FsbError } from '../../src/core/model/failure/errors.ts';
import type { PoolDetails, PoolInfo } from '../../src/core/model/pool/pool.ts';
import type { PoolPolicyInput } from '../../src/core/model/pool/pool-policy.ts';
import type { ExitStatus, ProcessSession } from '../../src/core/model/process.ts';
import type { Sandbox, SandboxRef } from '../../src/core/model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../../src/core/model/sandbox/spec.ts';
import { deleteSandboxes } from '../helpers/core/delete-sandboxes.ts';

export interface Finished {
  stdout: Buffer;
  stderr: Buffer;
  status: ExitStatus;
}

/** Of a one-shot run, what matters to a case. */
export type RunParts = Partial<Omit<PoolRunRequest, 'exec' | 'pool'>> & { exec?: Partial<ExecRequest> };

export const execOf = (argv: string[], parts: Partial<ExecRequest> = {}): ExecRequest => ({
  ...{ argv, env: {}, cwd: '', user: '', tty: false, stdin: false },
  ...parts,
});

/** The core under test, fresh names in it, and short words for what the cases do again and again. */
export class Workbench {
  /** One namespace for the whole run, so that other sandboxes of the core do not matter. */
  readonly namespace = `c-${randomBytes(4).toString('hex')}`;
  #core: CoreApi | undefined;
  readonly #pools: string[] = [];
  #names = 0;

  use(core: CoreApi): void {
    this.#core = core;
  }

  get core(): CoreApi {
    return this.#core!;
  }

  ref(): SandboxRef {
    this.#names += 1;
    return { namespace: this.namespace, name: `box-${this.#names}` };
  }

  /** A sandbox that runs `sh -c script`. */
  async shell(script: string, spec: Partial<SandboxSpecInput> = {}): Promise<Sandbox> {
    const command = ['sh', '-c', script];
    return this.core.sandboxes.create({ ...this.ref(), spec: { image: 'host', command, ...spec } });
  }

  /** A sandbox that stays. */
  idle(spec: Partial<SandboxSpecInput> = {}): Promise<Sandbox> {
    return this.shell('while :; do sleep 1000; done', spec);
  }

  exec(ref: SandboxRef, argv: string[], request: Partial<ExecRequest> = {}): Promise<ProcessSession> {
    return this.core.sandboxes.exec({ namespace: ref.namespace, name: ref.name }, execOf(argv, request));
  }

  async run(ref: SandboxRef, script: string, request: Partial<ExecRequest> = {}): Promise<Finished> {
    return finish(await this.exec(ref, ['sh', '-c', script], request));
  }

  /** A pool of small instances. */
  async pool(policy: Partial<PoolPolicyInput> = {}): Promise<PoolInfo> {
    this.#names += 1;
    const name = `${this.namespace}-${this.#names}`;
    this.#pools.push(name);
    return this.core.pools.create({ name, resources: { memory: '64m' }, ...policy });
  }

  /**
   * Resolves when the pool is as it should be; looks again whenever something happened in it. From its first event on:
   * over a wire, one might otherwise come between the look and the moment from which on events are told.
   */
  async until(pool: string, check: (details: PoolDetails) => boolean): Promise<void> {
    const done = new AbortController();
    const events = this.core.system
      .events({ pool, after: 0 }, { signal: done.signal })
      [Symbol.asyncIterator]();
    try {
      for (;;) {
        const change = events.next();
        // The abort below ends it.
        change.catch(() => {});
        if (check(await this.core.pools.get(pool))) return;
        await change;
      }
    } finally {
      done.abort();
    }
  }

  /** Resolves when so many claims wait; asks again and again, because who waits is no event. */
  async untilWaiting(pool: string, count: number): Promise<void> {
    while ((await this.core.pools.get(pool)).waiting !== count) await setImmediate();
  }

  /** One-shot: runs `sh -c script` in an instance of the pool. */
  start(pool: string, script: string, request: RunParts = {}): Promise<ProcessSession> {
    const { exec, ...terms } = request;
    return this.core.pools.run({ pool, exec: execOf(['sh', '-c', script], exec), ...terms });
  }

  async once(pool: string, script: string, request: RunParts = {}): Promise<Finished> {
    return finish(await this.start(pool, script, request));
  }

  /** Runs `sh -c script` in a lease. */
  async inLease(lease: string, script: string, exec?: Partial<ExecRequest>): Promise<Finished> {
    return finish(await this.core.pools.exec(lease, execOf(['sh', '-c', script], exec)));
  }

  async cleanUp(): Promise<void> {
    if (this.#core === undefined) return;
    const pools = await this.core.pools.list();
    for (const { name } of pools.filter((pool) => this.#pools.includes(pool.name)))
      await this.core.pools.delete(name, { force: true });
    await deleteSandboxes(this.core.sandboxes, { namespace: this.namespace });
  }
}

/** Reads a session to its end and lets go of it. */
export async function finish(session: ProcessSession): Promise<Finished> {
  const pieces = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const offsets: Partial<Record<'stdout' | 'stderr', number>> = {};
  for await (const chunk of session.output) {
    const expected = offsets[chunk.stream];
    if (expected !== undefined) expect(chunk.offset).toBe(expected);
    offsets[chunk.stream] = chunk.offset + chunk.data.length;
    pieces[chunk.stream].push(Buffer.from(chunk.data));
  }
  const status = await session.exited;
  await session.close();
  return { stdout: Buffer.concat(pieces.stdout), stderr: Buffer.concat(pieces.stderr), status };
}

/** Reads until the text has come; what else is in the session stays. */
export async function readUntil(output: AsyncIterator<{ data: Buffer }>, text: string): Promise<string> {
  let seen = '';
  while (!seen.includes(text)) {
    const { done, value } = await output.next();
    if (done)
      throw new Error(`the output ended without ${JSON.stringify(text)}; it was ${JSON.stringify(seen)}`);
    seen += value.data.toString();
  }
  return seen;
}

/** Everything that is still to come. */
export async function readRest(output: AsyncIterator<{ data: Buffer }>): Promise<string> {
  let seen = '';
  for (;;) {
    const { done, value } = await output.next();
    if (done) return seen;
    seen += value.data.toString();
  }
}

/**
 * A shell and a child of it that both say when they get the signal. Both are armed when it says `up`; the shell ends with
 * 3, after a while in which the child would have had its say.
 */
export const family = (signal: string): string => `
  trap "echo main; sleep 0.3; exit 3" ${signal}
  sh -c 'trap "echo child" ${signal}; echo up; while :; do sleep 0.02; done' &
  while :; do wait; done`;

/** The error of a call, whole: it must have a code, a message that is worth reading, and say what to do. */
export async function errorOf(call: Promise<unknown>): Promise<ErrorBody> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FsbError);
  return (error as FsbError).toBody();
}
