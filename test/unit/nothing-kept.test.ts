import { EventEmitter, setMaxListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { SlotRecord } from '../../src/core/agent/ledger/records.ts';
import { execSession } from '../../src/core/agent/processes/exec-session.ts';
import { attachToRun } from '../../src/core/agent/sandboxes/attach.ts';
import { MainPump } from '../../src/core/agent/sandboxes/main-pump.ts';
import { Persistence } from '../../src/core/agent/sandboxes/persistence.ts';
import { SandboxRun } from '../../src/core/agent/sandboxes/sandbox-run.ts';
import type { GuestProcess } from '../../src/core/guest/guest-channel.ts';
import type { Instance } from '../../src/core/instance/instance.ts';
import type { LogStore } from '../../src/core/logs/log-store.ts';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import type { OutputChunk, ProcessSession } from '../../src/core/model/process.ts';
import { healthService } from '../../src/core/server/grpc/health-service.ts';
import type { Connection } from '../../src/core/server/ws/connection.ts';
import { whileOpen } from '../../src/core/server/ws/process-stream.ts';
import { Access } from '../../src/core/store/access.ts';
import { memoryLog, scriptedMain } from '../helpers/core/scripted-main.ts';
import { heapInUse } from '../helpers/heap-in-use.ts';
import { createManualClock } from '../helpers/manual-clock.ts';
import { createPoolWorld, shapeOf } from '../helpers/pool/pool-world.ts';

/** Where a race may be run, and why what it keeps is soon gone; everything else waits with a Latch or abortable(). */
const racers: Record<string, string> = {
  'cli/copy/copy': 'once in a copy',
  'cli/endpoints/ssh-tunnel': 'once in a tunnel',
  'cli/local/daemon/first-word': 'once in a start',
  'cli/local/serve/serve-core': 'once in a core',
  'cli/session/session': 'once in a session',
  'core/agent/sandboxes/outcome': 'once in a run',
  'core/agent/sandboxes/sandbox-run': 'once in a run',
  'core/guest/connection': 'once in a connection',
  'core/model/async/ends-within': 'its limit ends with it',
  'core/pool/life': 'its limit ends with it',
  'core/root/lock': 'once in a lock',
  'core/server/http/rest/send-stream': 'what it races with ends at once, or with the piece that is sent',
  'core/tools/notebook/notebook': 'its limit is that of one run',
  'core/tools/pool/pool-watch': 'its limit is that of one call',
  'core/tools/run/run-program': 'its limit is that of one run',
  'core/trace/open-tracing': 'once in a process',
};

it('no race is run again and again against what lives on', () => {
  const src = join(import.meta.dirname, '../../src');
  const found = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\bPromise\.(race|any)\b/.test(sourceOf(join(src, name))))
    .map((name) => name.replace(/\.ts$/, ''));
  expect(found.sort()).toEqual(Object.keys(racers).sort());
});

const sourceOf = (path: string): string =>
  path.endsWith('.ts')
    ? readFileSync(path, 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/\/\/.*/g, '')
    : '';

/** Output of a process that runs for ever. */
async function* output(chunks: number, size: number): AsyncGenerator<OutputChunk> {
  for (let at = 0; at < chunks; at++) {
    yield { stream: 'stdout', offset: at * size, data: Buffer.alloc(size) };
    if (at % 100 === 0) await turn();
  }
}

const process = (chunks: number, size: number): GuestProcess =>
  ({
    output: output(chunks, size),
    exited: new Promise(() => {}),
    endInput: () => {},
  }) as unknown as GuestProcess;

/** Bytes that stay of each of so many rounds, while all that they belong to lives on. */
async function kept(rounds: number, run: (rounds: number) => Promise<unknown>): Promise<number> {
  await run(1_000);
  const before = heapInUse();
  const alive = await run(rounds);
  const grown = heapInUse() - before;
  expect(alive).toBeDefined();
  return grown / rounds;
}

it('a command that runs on leaves nothing of what it wrote in memory', async () => {
  const session = async (rounds: number) => {
    const { exited } = process(0, 0);
    const session = execSession(process(rounds, 4_096), exited);
    const reader = session.output[Symbol.asyncIterator]();
    while (!(await reader.next()).done);
    return session;
  };
  expect(await kept(40_000, session)).toBeLessThan(100);
});

it('the log of a sandbox that runs on leaves nothing in memory, whoever watches', async () => {
  const clock = createManualClock();
  const { signal } = new AbortController();
  const pumped = async (rounds: number) => {
    const main = process(rounds, 16);
    const writes = new Persistence({
      ...{ clock, log: pino({ level: 'silent' }), what: 'a log' },
      ...{ hurry: signal, stop: signal },
    });
    const pump = new MainPump(main, { ...memoryLog().writer, append: async () => {} }, writes);
    const running = pump.run();
    const { tap } = await pump.join();
    for await (const _ of tap.read());
    await running;
    return [pump, main];
  };
  expect(await kept(20_000, pumped)).toBeLessThan(100);
});

it('records that are written leave nothing in memory', async () => {
  const access = new Access(createManualClock(), () => {});
  const written = async (rounds: number) => {
    for (let at = 0; at < rounds; at++) await access.write(async () => {});
    return access;
  };
  expect(await kept(20_000, written)).toBeLessThan(100);
});

/** A sandbox that runs for ever, and has said this. */
async function runningSandbox(said: string) {
  const main = scriptedMain();
  const clock = createManualClock();
  const instance = { channel: { known: [] }, stats: async () => ({ oomKills: 0 }) } as unknown as Instance;
  const run = new SandboxRun({
    ...{ sandboxId: 's', clock, main: main.session, log: { ...memoryLog().writer, append: async () => {} } },
    slot: { process: { stdin: false, tty: false }, claimName: 's' } as unknown as SlotRecord,
    held: { instance, giveBack: async () => {}, resize: () => {} },
    logger: pino({ level: 'silent' }),
    record: async () => {},
    unrecorded: () => {},
  });
  main.write(said);
  await clock.advance(0);
  const attach = (replay: boolean): Promise<ProcessSession> =>
    attachToRun(run, { stdin: false, replay } as Parameters<typeof attachToRun>[1], {} as LogStore);
  return { run, main, attach };
}

/** Serves it to a client that leaves once it has begun. */
async function served(session: Promise<ProcessSession>, read: (session: ProcessSession) => Promise<unknown>) {
  const gone = new AbortController();
  const connection = { closed: gone.signal } as Connection;
  await whileOpen(connection, session, async (opened) => {
    await read(opened);
    gone.abort(new FsbError('cancelled', 'the client has left'));
  });
}

it.each([false, true])(
  'who was attached leaves nothing in memory while the sandbox runs on (replay: %s)',
  async (replay) => {
    const sandbox = await runningSandbox('hello');
    const attached = async (rounds: number) => {
      for (let at = 0; at < rounds; at++)
        await served(sandbox.attach(replay), async ({ output }) => {
          if (replay) await output[Symbol.asyncIterator]().next();
        });
      return sandbox;
    };
    expect(await kept(10_000, attached)).toBeLessThan(100);
  },
);

it('who leaves without having read leaves nothing of what it was sent', async () => {
  const sandbox = await runningSandbox('hello');
  const attached = async (rounds: number) => {
    for (let at = 0; at < rounds / 10; at++)
      await served(sandbox.attach(false), async () => {
        sandbox.main.write('x'.repeat(16_384));
        await turn();
      });
    return sandbox;
  };
  expect(await kept(5_000, attached)).toBeLessThan(200);
});

it('a status that nobody waits for any more is not kept open: the session says that it was closed', async () => {
  const { attach } = await runningSandbox('hello');
  const session = await attach(false);
  await session.close();
  await expect(session.exited).rejects.toMatchObject({ code: 'cancelled' });
});

it('who waited for a drain that does not end leaves nothing in memory', async () => {
  const world = createPoolWorld();
  await world.claim(shapeOf('host'));
  const drained = async (rounds: number) => {
    for (let at = 0; at < rounds; at++) {
      const left = new AbortController();
      const drain = world.pool.drain(left.signal);
      left.abort();
      await drain.catch(() => {});
    }
    return world;
  };
  expect(await kept(10_000, drained)).toBeLessThan(100);
});

it('watches of the health that are cancelled leave nothing in memory', async () => {
  const { signal: closing } = new AbortController();
  setMaxListeners(0, closing);
  const health = healthService({ services: [], ready: () => true, closing });
  const watched = async (rounds: number) => {
    for (let at = 0; at < rounds; at++) {
      const call = Object.assign(new EventEmitter(), {
        request: { service: '' },
        getDeadline: () => Number.POSITIVE_INFINITY,
        write: () => true,
      });
      const over = new Promise((resolve) => call.once('error', resolve));
      health.watch(call as never);
      await turn();
      call.emit('cancelled');
      await over;
    }
    return closing;
  };
  expect(await kept(4_000, watched)).toBeLessThan(100);
});
