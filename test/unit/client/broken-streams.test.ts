import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import type { ProcessSession, StreamName } from '../../../src/core/model/process.ts';
import { type BreakingProxy, breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';

const exec = { argv: [] as string[], env: {}, cwd: '', user: '', tty: false, stdin: true };
const RUNS = Number(process.env.FSB_TEST_RUNS ?? 8);

let inner: HostCore;
let served: ServedCore;
let directory: string;
let names = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-broken-'));
  inner = hostCore();
  served = await serveAndConnect(inner, 'unix');
});

afterAll(async () => {
  await served.close();
  await inner.close();
  await rm(directory, { recursive: true });
});

const newBox = async (command: string[], stdin = false) => {
  names += 1;
  const ref = { namespace: 'default', name: `box-${names}` };
  await served.core.sandboxes.create({ ...ref, spec: { image: 'host', command, stdin } });
  return ref;
};

/** Everything that a session says while it is fed, in pieces of these sizes again and again. */
async function converse(session: ProcessSession, input: Buffer, pieces: readonly number[]) {
  const feeding = (async () => {
    for (let at = 0, n = 0; at < input.length; n += 1) {
      const size = pieces[n % pieces.length]!;
      await session.write(input.subarray(at, at + size));
      at += size;
    }
    session.endInput();
  })();
  const said: Record<StreamName, Buffer[]> = { stdout: [], stderr: [] };
  const ends = { stdout: 0, stderr: 0 };
  for await (const { stream, offset, data } of session.output) {
    expect(offset).toBe(ends[stream]);
    ends[stream] += data.length;
    said[stream].push(Buffer.from(data));
  }
  await feeding;
  const status = await session.exited;
  await session.close();
  return { stdout: Buffer.concat(said.stdout), stderr: Buffer.concat(said.stderr), status };
}

async function throughProxy(
  cuts: readonly number[],
  use: (core: ReturnType<typeof connectCore>, proxy: BreakingProxy) => Promise<void>,
): Promise<void> {
  const proxy = await breakingProxy(served.servers.http[0]!, cuts);
  const core = connectCore({ grpc: served.servers.grpc[0]!, http: proxy.address });
  try {
    await use(core, proxy);
  } finally {
    await core.close();
    await proxy.close();
  }
}

// Small ones fall into the handshakes, into the heads of frames and of messages.
const cut = fc.oneof(fc.integer({ min: 1, max: 1_500 }), fc.integer({ min: 1, max: 150_000 }));
const cuts = fc.array(cut, { maxLength: 8 });
const pieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 100_000 })), {
  minLength: 1,
  maxLength: 5,
});
const size = fc.integer({ min: 0, max: 400_000 });

describe('a connection that breaks at any byte, again and again', () => {
  it('costs an exec nothing: all input, all output, its status, and it runs once', async () => {
    const box = await newBox(['sleep', '1000']);
    let broken = 0;
    await fc.assert(
      fc.asyncProperty(cuts, pieces, size, (where, sizes, length) =>
        throughProxy(where, async (core, proxy) => {
          const input = randomBytes(length);
          names += 1;
          const trace = join(directory, String(names));
          const script = `echo ran >>${trace}; echo begin >&2; cat; echo end >&2; exit 7`;
          let session: ProcessSession;
          try {
            session = await core.sandboxes.exec(box, { ...exec, argv: ['sh', '-c', script] });
          } catch (error) {
            // The handshake itself broke: then nothing ran. After so many of them in a row nobody can tell.
            expect(error).toMatchObject({ code: 'unavailable' });
            broken += proxy.broken();
            if (proxy.broken() > 5) return;
            expect(await readFile(trace, 'utf8').catch(() => 'nothing')).toBe('nothing');
            return;
          }
          const { stdout, stderr, status } = await converse(session, input, sizes);
          expect(stdout.equals(input)).toBe(true);
          expect([stderr.toString(), status]).toEqual(['begin\nend\n', { code: 7, signal: null }]);
          expect(await readFile(trace, 'utf8')).toBe('ran\n');
          broken += proxy.broken();
        }),
      ),
      { numRuns: RUNS },
    );
    expect(broken).toBeGreaterThan(0);
    while (inner.openSessions.size > 0) await setImmediate();
  }, 120_000);

  it('costs an attached reader and its input nothing', async () => {
    await fc.assert(
      fc.asyncProperty(cuts, pieces, size, async (where, sizes, length) => {
        const box = await newBox(['sh', '-c', 'echo begin >&2; cat; exit 5'], true);
        await throughProxy(where, async (core) => {
          const input = randomBytes(length);
          const attach = () => core.sandboxes.attach(box, { stdin: true, replay: true });
          // Nothing was sent: it may be tried again.
          const again = (error: unknown): Promise<ProcessSession> => {
            expect(FsbError.from(error).code).toBe('unavailable');
            return attach().catch(again);
          };
          const { stdout, stderr, status } = await converse(await attach().catch(again), input, sizes);
          expect(stdout.equals(input)).toBe(true);
          expect([stderr.toString(), status]).toEqual(['begin\n', { code: 5, signal: null }]);
        });
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  it('costs a follower of a log nothing', async () => {
    const script = 'i=0; while [ $i -lt 4000 ]; do echo "line $i"; i=$((i+1)); done';
    const expected = Array.from({ length: 4000 }, (_, n) => `line ${n}\n`).join('');
    await fc.assert(
      fc.asyncProperty(cuts, async (where) => {
        const box = await newBox(['sh', '-c', script]);
        // The first connection must come about: a log that cannot be opened is an error.
        await throughProxy([Math.max(1_000, where[0] ?? 0), ...where.slice(1, 5)], async (core) => {
          let text = '';
          for await (const { data } of core.sandboxes.logs(box, { ...wholeLog, follow: true }))
            text += data.toString();
          expect(text).toBe(expected);
        });
      }),
      { numRuns: Math.ceil(RUNS / 5) },
    );
  }, 120_000);
});

describe('a connection that breaks once, in a short talk', () => {
  /** All of it is below that, both directions together. */
  const LENGTH = 1_600;
  /** Every so many bytes, each day others; FSB_TEST_EVERY_BYTE=1 breaks it at each. */
  const STEP = process.env.FSB_TEST_EVERY_BYTE === '1' ? 1 : 32;
  const first = 1 + (Math.floor(Date.now() / 86_400_000) % STEP);
  const BESIDE = 25;
  const places = Array.from({ length: Math.ceil((LENGTH - first) / STEP) }, (_, n) => first + n * STEP);

  it('costs nothing, at whichever byte', async () => {
    const box = await newBox(['sleep', '1000']);
    const argv = ['sh', '-c', 'read word; echo "said $word"; echo done >&2; exit 3'];
    const talk = (place: number) =>
      throughProxy([place], async (core, proxy) => {
        const ask = () => core.sandboxes.exec(box, { ...exec, argv });
        // The handshake itself broke: nothing ran.
        const session = await ask().catch((error) => {
          expect([place, FsbError.from(error).code]).toEqual([place, 'unavailable']);
          return ask();
        });
        const { stdout, stderr, status } = await converse(session, Buffer.from('hello\n'), [4]);
        expect([place, stdout.toString(), stderr.toString(), status]).toEqual([
          ...[place, 'said hello\n', 'done\n'],
          { code: 3, signal: null },
        ]);
        if (proxy.broken() === 0) unbroken += 1;
      });
    let unbroken = 0;
    // Side by side, for most of each is a pause before it comes again.
    for (let at = 0; at < places.length; at += BESIDE)
      await Promise.all(places.slice(at, at + BESIDE).map(talk));
    // That is how we know that they reach behind its end.
    expect(unbroken).toBeGreaterThan(0);
    expect(unbroken).toBeLessThan(places.length / 2);
  }, 120_000);
});

describe('a stream that is not taken up again', () => {
  it('is given up after a while, and its key is free', async () => {
    const box = await newBox(['sleep', '1000']);
    const proxy = await breakingProxy(served.servers.http[0]!, [1_000]);
    const core = connectCore({ grpc: served.servers.grpc[0]!, http: proxy.address });
    const session = await core.sandboxes.exec(box, { ...exec, argv: ['cat'] });
    const ending = expect(session.exited).rejects.toMatchObject({ code: 'run_failed' });
    await session.write(randomBytes(5_000));
    await proxy.close();
    await core.close();
    await ending;
    while (inner.openSessions.size > 0) await setImmediate();
  });

  it('is not known to anybody else', async () => {
    const { openStream } = await import('../../helpers/core/open-stream.ts');
    const tcp = await serveAndConnect(inner, 'tcp');
    const stream = openStream(tcp.servers, 'streams/AAAAAAAAAAAAAAAAAAAAAAAA?received=0', 'fsb.v1');
    await expect(stream.closed).rejects.toThrow('404');
    await tcp.close();
  });
});
