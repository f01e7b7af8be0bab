import { expect, it } from 'vitest';
import { execSession } from '../../../../src/core/agent/processes/exec-session.ts';
import { Execs } from '../../../../src/core/agent/processes/execs.ts';
import type { ExecRequest } from '../../../../src/core/api/sandbox-api.ts';
import type { GuestProcess } from '../../../../src/core/guest/guest-channel.ts';
import { OutputQueue } from '../../../../src/core/guest/process/output-queue.ts';
import { errorOf } from '../../../contract/workbench.ts';
import { ChannelFixture, collect } from '../../../helpers/guest/channel-fixture.ts';

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

it('names the sandbox, and how far it came, where the guest goes away under it', async () => {
  await using fixture = await ChannelFixture.open();
  const { channel, guest } = fixture;
  const surroundings = { env: {}, cwd: '/', user: '' };
  const execs = new Execs({ channel, surroundings, sandbox: () => 'box' });
  const request: ExecRequest = { argv: ['cat'], env: {}, cwd: '', user: '', tty: false, stdin: false };
  const starting = execs.start(request);
  guest.send({ type: 'SPAWNED', process: 1, pid: 2 });
  const session = await starting;
  const second = errorOf(execs.start(request));
  await guest.heard('SPAWN', 2);
  guest.hangUp();
  const told = (what: string) => ({
    ...{ code: 'run_failed', hint: 'See what became of the sandbox with: fsb-ctl get box' },
    message: expect.stringMatching(new RegExp(`^${what}: the channel to the guest is lost: .`)),
  });
  const ran = told('the command ran in sandbox box, and its end was not seen');
  expect(await errorOf(session.exited)).toMatchObject(ran);
  expect(await errorOf(collect(session.output))).toMatchObject(ran);
  expect(await second).toMatchObject(told('cannot tell whether the command began in sandbox box'));
});
