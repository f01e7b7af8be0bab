import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { forwardConnection } from '../../../../src/cli/forward/connection.ts';
import { listen } from '../../../../src/cli/forward/listener.ts';
import type { ToolPlace } from '../../../../src/cli/guest-tool/guest-tool.ts';
import type { OutputChunk, ProcessSession } from '../../../../src/core/model/process.ts';
import { gate } from '../../../helpers/gate.ts';

const chunk = (stream: 'stdout' | 'stderr', text: string): OutputChunk => ({
  stream,
  offset: 0,
  data: Buffer.from(text),
});

/**
 * The tool beside a server that says hello, half-closes, and reads to the end: slowly, as on a busy machine. Whoever
 * closes its session kills it, as the core does.
 */
function slowTool() {
  const over = gate();
  const told: string[] = [];
  let received = 0;
  async function* output(): AsyncGenerator<OutputChunk> {
    yield chunk('stdout', 'hello');
    yield chunk('stderr', 'end 5\n');
    await over.promise;
  }
  const session: Partial<ProcessSession> = {
    output: output(),
    exited: over.promise.then(() => ({ code: 0, signal: null })),
    async write(data) {
      for (let turns = 0; turns < 20; turns++) await turn();
      received += data.length;
    },
    endInput() {
      told.push(`all ${received}`);
      over.open();
    },
    async close() {
      told.push('closed');
      over.open();
    },
  };
  const place = { core: { sandboxes: { exec: async () => session } }, ref: {} } as unknown as ToolPlace;
  return { place, told };
}

describe('a forwarded connection', () => {
  it.each([0, 1, 200_000])(
    'whose server has ended its half carries the other to its end: %i bytes',
    async (length) => {
      const { place, told } = slowTool();
      const ended = gate();
      const listener = await listen('127.0.0.1', { local: 0, remote: 72 }, (socket) => {
        void forwardConnection(socket, place, 72).finally(() => ended.open());
      });
      const client = connect({ port: listener.local, host: '127.0.0.1', allowHalfOpen: true });
      client.resume();
      await once(client, 'end');
      client.end(Buffer.alloc(length));
      await ended.promise;
      listener.close();
      expect(told).toEqual([`all ${length}`, 'closed']);
    },
  );

  it('ends its tool when the client breaks off', async () => {
    const { place, told } = slowTool();
    const ended = gate();
    const listener = await listen('127.0.0.1', { local: 0, remote: 72 }, (socket) => {
      void forwardConnection(socket, place, 72).finally(() => ended.open());
    });
    const client = connect({ port: listener.local, host: '127.0.0.1', allowHalfOpen: true });
    await once(client, 'data');
    client.resetAndDestroy();
    await ended.promise;
    listener.close();
    expect(told).toContain('closed');
    expect(told.join()).not.toContain('all');
  });
});
