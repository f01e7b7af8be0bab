import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import { execOf, finish, Workbench } from '../../contract/workbench.ts';
import { breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

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
