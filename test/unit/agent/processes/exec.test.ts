import { expect, it } from 'vitest';
import { execSession } from '../../../../src/core/agent/processes/exec-session.ts';
import type { GuestProcess } from '../../../../src/core/guest/guest-channel.ts';
import { OutputQueue } from '../../../../src/core/guest/process/output-queue.ts';

it('reads on when its caller lets go while asking for more, so that the process is not held back', async () => {
  const window = 256 * 1024;
  let acknowledged = 0;
  const output = new OutputQueue({
    window,
    from: { stdout: 0, stderr: 0 },
    acknowledge: (_, offset) => {
      acknowledged = offset;
    },
    onSettled: () => {},
  });
  const process = { output, exited: new Promise(() => {}), endInput: () => {} } as unknown as GuestProcess;
  const session = execSession(process, process.exited);
  const reader = session.output[Symbol.asyncIterator]();
  output.receive('stdout', 0, Buffer.alloc(10));
  await reader.next();
  const closing = session.close();
  expect((await reader.next()).done).toBe(true);
  await closing;
  const piece = Buffer.alloc(64 * 1024);
  for (let offset = 10; offset < 2 * window; offset += piece.length) {
    output.receive('stdout', offset, piece);
    await new Promise(setImmediate);
  }
  expect(acknowledged).toBeGreaterThan(window);
});
