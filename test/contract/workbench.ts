import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import type { ExecRequest } from '../../src/core/api/sandbox-api.ts';
import { type ErrorBody, FsbError } from '../../src/core/model/errors.ts';
import type { ExitStatus, ProcessSession } from '../../src/core/model/process.ts';
import type { Sandbox, SandboxRef } from '../../src/core/model/sandbox.ts';
import type { SandboxSpecInput } from '../../src/core/model/spec.ts';

export interface Finished {
  stdout: Buffer;
  stderr: Buffer;
  status: ExitStatus;
}

/** The core under test, fresh names in it, and short words for what the cases do again and again. */
export class Workbench {
  /** One namespace for the whole run, so that other sandboxes of the core do not matter. */
  readonly namespace = `c-${randomBytes(4).toString('hex')}`;
  #core: CoreApi | undefined;
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
    const whole = { argv, env: {}, cwd: '', user: '', tty: false, stdin: false, ...request };
    return this.core.sandboxes.exec({ namespace: ref.namespace, name: ref.name }, whole);
  }

  async run(ref: SandboxRef, script: string, request: Partial<ExecRequest> = {}): Promise<Finished> {
    return finish(await this.exec(ref, ['sh', '-c', script], request));
  }

  async cleanUp(): Promise<void> {
    if (this.#core === undefined) return;
    const left = await this.core.sandboxes.list({ namespace: this.namespace });
    await Promise.all(left.map((sandbox) => this.core.sandboxes.delete(sandbox, { grace: 0 })));
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

/** The error of a call, whole: it must have a code, a message that is worth reading, and say what to do. */
export async function errorOf(call: Promise<unknown>): Promise<ErrorBody> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FsbError);
  return (error as FsbError).toBody();
}
