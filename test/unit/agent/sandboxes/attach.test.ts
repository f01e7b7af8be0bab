import { afterEach, beforeEach, expect, it } from 'vitest';
import { attachToEnded, attachToRun } from '../../../../src/core/agent/sandboxes/attach.ts';
import { MainPump } from '../../../../src/core/agent/sandboxes/main-pump.ts';
import { Persistence } from '../../../../src/core/agent/sandboxes/persistence.ts';
import type { SandboxRun } from '../../../../src/core/agent/sandboxes/sandbox-run.ts';
import type { LogStore } from '../../../../src/core/logs/log-store.ts';
import type { ProcessSession, StreamName } from '../../../../src/core/model/process.ts';
import { scriptedMain } from '../../../helpers/core/scripted-main.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';
import { makePlace, type Place, quiet, say } from '../../logs/harness.ts';

/** A session that goes on, in the next core, where one of the core before was. */
let place: Place;
let logs: LogStore;
beforeEach(async () => {
  place = await makePlace();
  logs = await place.open();
});
afterEach(() => place[Symbol.asyncDispose]());

const never = new AbortController().signal;
/** Where its process begins: behind what an earlier generation has said. */
const logBegin = { stdout: 4, stderr: 0 };
const slot = { claimName: 'default/box', process: { stdin: false, tty: false }, logBegin };

/** What the core before has put into the log, and the guest goes on behind that. */
async function nextCore(logged: [text: string, stream?: StreamName][] = [['aaa'], ['e', 'stderr']]) {
  const earlier = await logs.writer('box');
  await say(earlier, 'old\n');
  await earlier.close();
  const log = await logs.writer('box', logBegin);
  for (const [text, stream] of logged) await say(log, text, stream);
  const main = scriptedMain(log.offsets);
  const clock = createManualClock();
  const writes = new Persistence({ clock, log: quiet, what: 'a log', hurry: never, stop: never });
  const pump = new MainPump(main.session, log, writes);
  const run = {
    ...{ sandboxId: 'box', slot, pump, main: main.session },
    get logged() {
      return log.offsets.stdout + log.offsets.stderr;
    },
    endedOr: async () => ({ kind: 'exited', status: await main.session.exited }),
  } as unknown as SandboxRun;
  return { main, run, running: pump.run(), log };
}

async function allOf(session: ProcessSession): Promise<string[]> {
  const said: string[] = [];
  for await (const { stream, offset, data } of session.output) said.push(`${stream} ${offset} ${data}`);
  return said;
}

it.each([
  // It has shown `bbb`, too, which is not in the log yet, and comes again, behind what was said to the other stream.
  [{ stdout: 6, stderr: 1 }, ['stderr 1 ff', 'stdout 6 ccc']],
  [{ stdout: 4, stderr: 0 }, ['stderr 0 e', 'stderr 1 ff', 'stdout 4 bbccc']],
  [{ stdout: 1, stderr: 2 }, ['stdout 1 aa', 'stderr 2 f', 'stdout 3 bbbccc']],
  [{ stdout: 0, stderr: 0 }, ['stdout 0 aaa', 'stderr 0 e', 'stderr 1 ff', 'stdout 3 bbbccc']],
])('tells what comes behind %j, and the end', async (from, expected) => {
  const { main, run, running, log } = await nextCore();
  const request = { stdin: false, replay: false, from: { sandboxId: 'box', ...from } };
  const session = await attachToRun(run, request, logs);
  expect(session.place).toEqual({ ...request.from, takesInput: true });
  const reading = allOf(session);
  main.write('ff', 'stderr');
  main.write('bbbccc');
  main.exit({ code: 3, signal: null });
  main.end();
  await running;
  expect(await reading).toEqual(expected);
  expect(await session.exited).toEqual({ code: 3, signal: null });
  await log.end();
  const end = { kind: 'exited' as const, at: 0, status: { code: 3, signal: null } };
  const ended = attachToEnded('box', { ...slot, end } as never, request, logs);
  expect((await allOf(ended)).join()).toContain(expected.at(-1)!);
  expect(ended.place).toEqual({ ...request.from, takesInput: false });
});

it('tells where each stream goes on when the log has dropped a part, also one that says nothing more', async () => {
  logs = await place.open({ segmentBytes: 150, maxSegments: 2 });
  const lines = ['1', '2', '3', '4', '5'].map((digit): [string] => [digit.repeat(60)]);
  const { main, run, running, log } = await nextCore([['seen', 'stderr'], ['lost', 'stderr'], ...lines]);
  const from = { sandboxId: 'box', stdout: 0, stderr: 4 };
  const request = { stdin: false, replay: false, from };
  const reading = allOf(await attachToRun(run, request, logs));
  await expect.poll(() => main.waiting()).toBe(0);
  main.write('more');
  main.exit();
  main.end();
  await running;
  const kept = await reading;
  expect(kept).toContain(`stdout 240 ${'5'.repeat(60)}`);
  expect(kept[0]).not.toMatch(/^stdout 0 /);
  expect(kept.slice(-2)).toEqual(['stderr 8 ', 'stdout 300 more']);
  await log.end();
  const end = { kind: 'exited' as const, at: 0, status: { code: 3, signal: null } };
  const ended = await allOf(attachToEnded('box', { ...slot, end } as never, request, logs));
  expect(ended.slice(-2)).toEqual(['stdout 300 more', 'stderr 8 ']);
});

it('without replay begins where it joined', async () => {
  const { main, run } = await nextCore();
  main.write('bbb');
  await expect.poll(() => run.logged).toBe(7);
  const session = await attachToRun(run, { stdin: false, replay: false }, logs);
  expect(session.place).toEqual({ sandboxId: 'box', stdout: 6, stderr: 1, takesInput: true });
});
