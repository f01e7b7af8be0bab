import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { KILL_GRACE, type Program, runProgram } from '../../../src/core/tools/run/run-program.ts';
import {
  type ScriptedSandbox,
  scriptedProcess,
  scriptedSandbox,
} from '../../helpers/core/scripted-sandbox.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const program: Program = { programs: ['it'], timeout: 1000 };
const killed = { code: null, signal: 9 };

function world(sandbox: ScriptedSandbox) {
  const clock = createManualClock();
  const caller = new AbortController();
  const start = (changes: Partial<Program> = {}) =>
    runProgram(sandbox, { ...program, ...changes }, { clock, signal: caller.signal });
  return { clock, caller, start };
}

describe('the end of a program', () => {
  it('is its exit when that comes before the deadline, and the last output with it', async () => {
    const process = scriptedProcess();
    const sandbox = scriptedSandbox(async () => process);
    const { clock, start } = world(sandbox);
    const running = start();
    await clock.advance(999);
    process.exit({ code: 0, signal: null });
    await clock.advance(0);
    process.print('late');
    process.endOutput();
    const { end, stdout } = await running;
    expect(end).toEqual({ kind: 'exited', status: { code: 0, signal: null } });
    expect(stdout.toText()).toBe('late');
    expect(sandbox.kills).toBe(0);
    expect(process.closed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('does not wait past the deadline for output that something else of it holds open', async () => {
    const process = scriptedProcess();
    const sandbox = scriptedSandbox(async () => process);
    const { clock, start } = world(sandbox);
    const running = start();
    await clock.advance(10);
    process.print('all');
    process.exit({ code: 0, signal: null });
    await clock.advance(990);
    const { end, stdout } = await running;
    expect(end).toEqual({ kind: 'exited', status: { code: 0, signal: null } });
    expect(stdout.toText()).toBe('all');
    expect(sandbox.kills).toBe(0);
    expect(process.closed).toBe(true);
  });

  it('is the timeout when the deadline comes first, with what came out until then', async () => {
    const process = scriptedProcess();
    const sandbox = scriptedSandbox(
      async () => process,
      () => {
        process.exit(killed);
        process.endOutput();
      },
    );
    const { clock, start } = world(sandbox);
    const running = start();
    process.print('begun');
    await clock.advance(1000);
    const { end, stdout } = await running;
    expect(end).toEqual({ kind: 'timeout', limit: 1000 });
    expect(stdout.toText()).toBe('begun');
    expect(sandbox.kills).toBe(1);
    expect(process.closed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('does not wait for ever for what cannot be killed', async () => {
    const process = scriptedProcess();
    const { clock, start } = world(scriptedSandbox(async () => process));
    const running = start();
    await clock.advance(1000 + KILL_GRACE);
    expect((await running).end.kind).toBe('timeout');
    expect(process.closed).toBe(true);
  });

  it('is the timeout, and everything is killed, when it could not even be started in time', async () => {
    const sandbox = scriptedSandbox(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(FsbError.from(signal.reason)));
        }),
    );
    const { clock, start } = world(sandbox);
    const running = start();
    await clock.advance(1000);
    expect((await running).end).toEqual({ kind: 'timeout', limit: 1000 });
    expect(sandbox.kills).toBe(1);
  });

  it('is an error of the call when the sandbox is lost', async () => {
    const process = scriptedProcess();
    const { clock, start } = world(scriptedSandbox(async () => process));
    const running = start();
    running.catch(() => {});
    await clock.advance(10);
    process.lose(new FsbError('run_failed', 'gone'));
    await expect(running).rejects.toMatchObject({ code: 'run_failed' });
    expect(process.closed).toBe(true);
  });

  it('kills everything when the caller leaves', async () => {
    const process = scriptedProcess();
    const sandbox = scriptedSandbox(
      async () => process,
      () => process.endOutput(),
    );
    const { clock, caller, start } = world(sandbox);
    const running = start();
    running.catch(() => {});
    await clock.advance(10);
    caller.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(sandbox.kills).toBe(1);
  });

  it('does nothing for a caller who has left already', async () => {
    const sandbox = scriptedSandbox(async () => scriptedProcess());
    const { caller, start } = world(sandbox);
    caller.abort();
    await expect(start()).rejects.toMatchObject({ code: 'cancelled' });
    expect(sandbox.asked).toEqual([]);
  });
});

describe('the program', () => {
  const only = (name: string) =>
    scriptedSandbox(async ({ argv }) => {
      if (argv[0] !== name) throw new FsbError('command_not_found', `no ${argv[0]}`);
      const process = scriptedProcess();
      process.exit({ code: 0, signal: null });
      process.endOutput();
      return process;
    });

  it('is the first that the image has', async () => {
    const sandbox = only('b');
    const { end } = await world(sandbox).start({ programs: ['a', 'b', 'c'], args: ['-x'] });
    expect(end.kind).toBe('exited');
    expect(sandbox.asked.map(({ argv }) => argv)).toEqual([
      ['a', '-x'],
      ['b', '-x'],
    ]);
  });

  it('is named, with all the others, when the image has none', async () => {
    const { end } = await world(only('x')).start({ programs: ['gcc', 'cc'] });
    expect(end).toMatchObject({
      kind: 'not-started',
      error: { code: 'command_not_found', message: 'the image of this sandbox has no gcc and no cc' },
    });
  });
});
