import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wholeLog } from '../../../src/core/model/logs.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { type ScriptedCore, startScriptedCore } from '../../helpers/core/scripted-core.ts';
import { numbersProblem, textOf } from '../../helpers/core/storm/promises.ts';
import { delay } from '../../helpers/core/waiting.ts';
import { exitOf, OUTPUT_WINDOW, ScriptedGuest } from '../../helpers/guest/scripted-guest.ts';

/** One for the neighbour, one for the hostile guest: the next case has no place before that one's has come back. */
const PLACES = 2;

let core: ScriptedCore;
let neighbour: Sandbox;
let names = 0;

const create = (command: string[]): Promise<Sandbox> =>
  core.sandboxes.create({
    ...{ namespace: 'default', name: `box-${names++}` },
    spec: { image: 'host', command, user: 'root', working_dir: '/', envs: { PATH: '/usr/bin:/bin' } },
  });

beforeAll(async () => {
  core = await startScriptedCore({ capacity: { max: PLACES } });
  neighbour = await create(['sh', '-c', 'i=0; while :; do echo line $i; i=$((i + 1)); sleep 0.005; done']);
});
afterAll(() => core[Symbol.asyncDispose]());

interface HostileBox extends AsyncDisposable {
  guest: ScriptedGuest;
  box: Sandbox;
  /** The number of its main process. */
  main: number;
}

/** A sandbox whose guest has started its command, and says from now on what the test wants. */
async function hostile(): Promise<HostileBox> {
  const guest = await ScriptedGuest.start({ pongs: true });
  core.replaceNext(guest);
  const creating = create(['sleep', '1000']);
  await guest.heard('SPAWN');
  const main = guest.ofType('SPAWN')[0]!.process;
  guest.send({ type: 'SPAWNED', process: main, pid: 2 });
  const box = await creating;
  return { guest, box, main, [Symbol.asyncDispose]: () => guest[Symbol.asyncDispose]() };
}

/** How many lines the neighbour has logged; each of them once, and it goes on. */
async function linesOfNeighbour(): Promise<number> {
  const text = await textOf(core, neighbour);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  expect(numbersProblem(whole)).toBeUndefined();
  return whole.split('\n').length - 1;
}

/** Nothing is left of it, and of the neighbour nothing is missing. */
async function assertGone(box: Sandbox): Promise<void> {
  await core.sandboxes.delete(box, { grace: 0 });
  const [status] = await core.pools.status();
  expect(core.fake.instances).toHaveLength(1);
  expect(status).toMatchObject({ claimed: 1, booting: 0 });
  const before = await linesOfNeighbour();
  while ((await linesOfNeighbour()) === before) await delay(10);
  const next = await create(['sleep', '1000']);
  expect(next.state.phase).toBe('Running');
  await core.sandboxes.delete(next, { grace: 0 });
}

async function ended({ box }: HostileBox): Promise<Sandbox> {
  await core.sandboxes.wait(box).catch(() => {});
  return core.sandboxes.get(box);
}

describe('a guest that breaks the protocol loses its sandbox, and nobody else', () => {
  it.each<[string, (hostile: HostileBox) => void]>([
    ['random bytes', ({ guest }) => guest.sendRaw(randomBytes(4096))],
    ['a frame without end', ({ guest }) => guest.sendRaw(Buffer.alloc(9, 255))],
    ['a frame of no type', ({ guest, main }) => guest.sendRaw(Buffer.from([5, 0, 0, 0, 200, main, 0, 0, 0]))],
    [
      'a frame that is cut',
      ({ guest }) => {
        guest.sendRaw(Buffer.from([99, 0, 0, 0, 4]));
        guest.endWriting();
      },
    ],
    [
      'output that leaves a gap',
      ({ guest, main }) => guest.send({ type: 'STDOUT', process: main, offset: 7, data: Buffer.from('x') }),
    ],
    [
      'output twice',
      ({ guest, main }) => {
        const frame = { type: 'STDOUT', process: main, offset: 0, data: Buffer.from('once') } as const;
        guest.send(frame, frame);
      },
    ],
    [
      'more output than may be on its way',
      ({ guest, main }) => {
        const data = Buffer.alloc(OUTPUT_WINDOW / 8);
        for (let n = 0; n < 1000; n++)
          guest.send({ type: 'STDOUT', process: main, offset: n * data.length, data });
      },
    ],
    [
      'output of a process that nobody started',
      ({ guest }) => guest.send({ type: 'STDERR', process: 77, offset: 0, data: Buffer.from('x') }),
    ],
    [
      'an end before its output',
      ({ guest, main }) =>
        guest.send(
          { type: 'STDOUT', process: main, offset: 0, data: Buffer.from('abc') },
          exitOf(main, { stdoutTotal: 1 }),
        ),
    ],
    [
      'a second welcome',
      ({ guest }) => guest.send({ type: 'WELCOME', process: 0, version: 1, outputWindow: 1, inputWindow: 1 }),
    ],
    ['nothing, and hangs up', ({ guest }) => guest.hangUp()],
  ])('it sends %s', async (_, speak) => {
    await using victim = await hostile();
    speak(victim);
    const { state } = await ended(victim);
    expect(state).toMatchObject({ phase: 'Lost', reason: expect.stringMatching(/./) });
    await assertGone(victim.box);
  });
});

describe('a guest that says that its command has ended, and owes its output', () => {
  it('for good: the end comes all the same, with the output that there was', async () => {
    await using victim = await hostile();
    const { guest, main, box } = victim;
    guest.send(
      { type: 'STDOUT', process: main, offset: 0, data: Buffer.from('hello\n') },
      exitOf(main, { value: 3, stdoutTotal: 1_000_000 }),
    );
    expect(await core.sandboxes.wait(box)).toMatchObject({ code: 3 });
    expect((await core.sandboxes.get(box)).state.phase).not.toBe('Running');
    let text = '';
    for await (const { data } of core.sandboxes.logs(box, wholeLog)) text += data;
    expect(text).toBe('hello\n');
    await assertGone(box);
  });

  it('says so twice: the first end counts', async () => {
    await using victim = await hostile();
    const { guest, main, box } = victim;
    const end = exitOf(main, { value: 3, stdoutTotal: 9 });
    guest.send(end, end);
    expect(await core.sandboxes.wait(box)).toMatchObject({ code: 3 });
    await assertGone(box);
  });

  it('and trickles it: the deletion does not wait for it', async () => {
    await using victim = await hostile();
    const { guest, main, box } = victim;
    guest.send(exitOf(main, { stdoutTotal: 1_000_000 }));
    let offset = 0;
    const trickle = setInterval(() => {
      guest.send({ type: 'STDOUT', process: main, offset: offset++, data: Buffer.from('x') });
    }, 100);
    try {
      while (offset < 10) await delay(50);
      await assertGone(box);
    } finally {
      clearInterval(trickle);
    }
  });

  it('and answers nothing at all: the deletion does not wait for it', async () => {
    const guest = await ScriptedGuest.start({ pongs: true });
    core.replaceNext(guest);
    const creating = create(['sleep', '1000']);
    await guest.heard('SPAWN');
    const main = guest.ofType('SPAWN')[0]!.process;
    guest.send({ type: 'SPAWNED', process: main, pid: 2 }, exitOf(main, { stdoutTotal: 9 }));
    const box = await creating;
    guest.goDeaf();
    await assertGone(box);
    await guest[Symbol.asyncDispose]();
  });
});
