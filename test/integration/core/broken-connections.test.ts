import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { type LogQuery, wholeLog } from '../../../src/core/model/logs.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { execOf, finish, Workbench } from '../../contract/workbench.ts';
import { breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { logged, until } from '../../helpers/core/waiting.ts';

let core: RealCore;
const bench = new Workbench();

beforeAll(async () => {
  core = await startRealCore();
  bench.use(core.remote);
});
afterAll(() => core.close());

/** Feeds all of it, ends the input, and reads to the end. */
async function through(session: ProcessSession, input: Buffer) {
  const feeding = (async () => {
    for (let at = 0; at < input.length; at += 50_000) await session.write(input.subarray(at, at + 50_000));
    session.endInput();
  })();
  const finished = await finish(session);
  await feeding;
  return finished;
}

describe('a connection to a real sandbox that breaks again and again', () => {
  // The first ones come about; the rest breaks anywhere, also in the middle of the handshake.
  const cuts = [70_000, 1_200, 300, 250_000, 90, 400_000, 1_000_003, 2_000];
  const input = randomBytes(3_000_000);

  it.each(['exec', 'attach'])('costs %s no byte, in neither direction', async (how) => {
    const proxy = await breakingProxy(`unix://${core.root}/run/http.sock`, cuts);
    const client = connectCore({ grpc: `unix://${core.root}/run/fsb.sock`, http: proxy.address });
    const script = 'cat; echo end >&2; exit 9';
    const box = how === 'exec' ? await bench.idle() : await bench.shell(script, { stdin: true });
    const session =
      how === 'exec'
        ? await client.sandboxes.exec(box, execOf(['sh', '-c', script], { stdin: true }))
        : await client.sandboxes.attach(box, { stdin: true, replay: true });
    const { stdout, stderr, status } = await through(session, input);
    expect(stdout.equals(input)).toBe(true);
    expect([stderr.toString(), status]).toMatchObject(['end\n', { code: 9, signal: null }]);
    expect(proxy.broken()).toBe(cuts.length);
    await client.close();
    await proxy.close();
  });
});

describe('a log that is followed over a connection that breaks', () => {
  const numbered = (from: number, to: number): string =>
    Array.from({ length: to - from + 1 }, (_, n) => `${from + n}\n`).join('');

  /** Follows the log of a box through a proxy; `text` grows. */
  async function follow(box: Sandbox, query: Partial<LogQuery>) {
    const proxy = await breakingProxy(`unix://${core.root}/run/http.sock`, []);
    const client = connectCore({ grpc: `unix://${core.root}/run/fsb.sock`, http: proxy.address });
    const reader = { text: '' };
    const ended = (async () => {
      for await (const { data, dropped } of client.sandboxes.logs(box, {
        ...wholeLog,
        follow: true,
        ...query,
      })) {
        expect(dropped).toBeUndefined();
        reader.text += data.toString();
      }
    })();
    ended.catch(() => {});
    const close = async (): Promise<void> => {
      await client.close();
      await proxy.close();
    };
    return { proxy, reader, ended, close };
  }

  it('has every line once, also those that were written meanwhile', async () => {
    const cuts = [40_000, 100_000, 200, 300_000, 1_000_000];
    const proxy = await breakingProxy(`unix://${core.root}/run/http.sock`, cuts);
    const client = connectCore({ grpc: `unix://${core.root}/run/fsb.sock`, http: proxy.address });
    const box = await bench.shell('seq 300000');
    let text = '';
    for await (const { data } of client.sandboxes.logs(box, { ...wholeLog, follow: true })) text += data;
    expect(text === numbered(1, 300_000)).toBe(true);
    expect(proxy.broken()).toBe(cuts.length);
    await client.close();
    await proxy.close();
  });

  it.each([0, 2])('with --tail %i misses nothing of what comes after it', async (tail) => {
    const waitFor = (file: string): string => `until [ -e ${file} ]; do sleep 0.02; done`;
    const box = await bench.shell(`seq 10; ${waitFor('/go')}; seq 11 20; ${waitFor('/end')}`);
    await logged(bench, box, numbered(1, 10));
    const { proxy, reader, ended, close } = await follow(box, { tail });
    const begin = tail === 0 ? '' : '9\n10\n';
    await until(async () => reader.text === begin && proxy.heard().includes('afterSeq'));
    proxy.cut();
    await bench.run(box, 'touch /go');
    await logged(bench, box, numbered(11, 20));
    proxy.restore();
    await until(async () => reader.text === begin + numbered(11, 20));
    await bench.run(box, 'touch /end');
    await ended;
    await close();
  });

  it('does not go on in the log of another sandbox of its name', async () => {
    const box = await bench.shell('seq 10; sleep 1000');
    const { proxy, reader, ended, close } = await follow(box, {});
    await until(async () => reader.text === numbered(1, 10));
    proxy.cut();
    await bench.core.sandboxes.delete(box, { grace: 0 });
    await bench.core.sandboxes.create({ ...box, spec: { image: 'host', command: ['seq', '101', '200'] } });
    proxy.restore();
    await expect(ended).rejects.toMatchObject({
      code: 'not_found',
      message: `the sandbox whose log was read is gone: another one is called ${box.name} now`,
    });
    expect(reader.text).toBe(numbered(1, 10));
    await bench.core.sandboxes.delete(box, { grace: 0 });
    await close();
  });
});
