import fc from 'fast-check';
import type { OpenChannel } from '../../src/core/guest/guest-channel.ts';
import type { GuestFrame } from '../../src/core/guest/protocol/frames.ts';
import { encodeGuestFrame } from '../../src/core/guest/protocol/guest-frames.ts';
import { bootInstance } from '../../src/core/instance/boot-instance.ts';
import type { Instance } from '../../src/core/instance/instance.ts';
import { systemClock } from '../../src/core/model/clock.ts';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import { newInstanceId } from '../../src/core/model/ids.ts';
import { defaultResources, type Shape } from '../../src/core/model/sandbox/shape.ts';
import { openChannel } from '../helpers/guest/open-channel.ts';
import { processSpec } from '../helpers/guest/process-spec.ts';
import { exitOf, runningProcess, ScriptedGuest } from '../helpers/guest/scripted-guest.ts';
import { createFakeDriver, type FakeDriver } from '../helpers/pool/fake-driver.ts';
import { frameSeeds } from './guest-frames.ts';
import { mutated } from './mutations.ts';

const shape: Shape = {
  ...{ image: 'host', runtime: 'fake', network: 'none', mounts: [] },
  resources: defaultResources,
};

const welcome: GuestFrame = {
  ...{ type: 'WELCOME', process: 0, version: 2, outputWindow: 262_144, inputWindow: 65_536 },
};
const handshake = [welcome, runningProcess(7, { tty: true }), { type: 'READY', process: 0 }] as GuestFrame[];

/** What a guest has to say of its process 1, in order. */
const life = (
  [
    { type: 'SPAWNED', process: 1, pid: 2, times: { open: 1n, fork: 2n, prepare: 3n, execute: 4n } },
    { type: 'STDOUT', process: 1, offset: 0, data: Buffer.from('hello\n') },
    { type: 'STDERR', process: 1, offset: 0, data: Buffer.from('x') },
    { type: 'STDIN_ACK', process: 1, offset: 2 },
    { type: 'STDIN_CLOSED', process: 1 },
    exitOf(1, { stdoutTotal: 6, stderrTotal: 1 }),
    { type: 'PONG', process: 0, token: 1n },
    { type: 'SPAWN_FAILED', process: 1, stage: 6, errno: 2, message: 'x: no' },
  ] as GuestFrame[]
).map(encodeGuestFrame);

const wholeLife = Buffer.concat(life.slice(0, 6));
const said = fc.array(mutated([wholeLife, ...life, ...frameSeeds('guest')], 3), {
  minLength: 1,
  maxLength: 6,
});

export interface TwoGuests extends AsyncDisposable {
  fake: FakeDriver;
  /** The instance of somebody else. */
  other: Instance;
}

const boot = (fake: FakeDriver, open: OpenChannel): Promise<Instance> =>
  bootInstance(
    fake.driver,
    open,
    { id: newInstanceId(), shape, root: { overlays: [] } },
    { clock: systemClock },
  );

export async function twoGuests(): Promise<TwoGuests> {
  const fake = createFakeDriver();
  const other = await boot(fake, fake.openChannel);
  return {
    fake,
    other,
    async [Symbol.asyncDispose]() {
      await other.destroy('done');
      await fake.close();
    },
  };
}

/** Whatever a guest says, and whether it hangs up or says no more: its own instance ends, with a reason; another one and its guest go on. */
export const hostileGuestProperty = ({ fake, other }: TwoGuests) =>
  fc.asyncProperty(
    fc.option(mutated([Buffer.concat(handshake.map(encodeGuestFrame))])),
    said,
    fc.boolean(),
    async (greeting, pieces, stays) => {
      await using guest = await ScriptedGuest.start({ greeting: greeting === null ? handshake : [] });
      const booting = boot(fake, (_, options) => openChannel(guest.path, options));
      await Promise.all([booting.catch(mustBeForeseen), talk(guest, greeting, pieces, booting, stays)]);
      const instance = await booting.catch(() => undefined);
      await instance?.destroy('it is over');
      await other.channel.ping(5_000);
      if (fake.counts.live !== 1) throw new Error(`${fake.counts.live} instances are left`);
    },
  );

function mustBeForeseen(error: unknown): void {
  // `unavailable`: it was destroyed from here.
  if (!(error instanceof FsbError) || !['run_failed', 'unavailable'].includes(error.code)) throw error;
}

async function talk(
  guest: ScriptedGuest,
  greeting: Buffer | null,
  pieces: Buffer[],
  booting: Promise<Instance>,
  stays: boolean,
): Promise<void> {
  await guest.heard('HELLO');
  if (greeting !== null) {
    guest.sendRaw(greeting);
    guest.endWriting();
    return;
  }
  const instance = await booting;
  const { channel, failed } = instance;
  const spawning = channel.spawn(1, processSpec(['cat'], { stdin: true }));
  for (const piece of pieces) guest.sendRaw(piece);
  if (!stays) guest.endWriting();
  const using = spawning.then(async (process) => {
    process.write(Buffer.from('in')).catch(mustBeForeseen);
    const exited = process.exited.catch(mustBeForeseen);
    for await (const { data } of process.output) if (data.length === 0) throw new Error('an empty chunk');
    await exited;
  });
  const told = using.catch((error: unknown) => {
    const codes = [
      'run_failed',
      'unavailable',
      'command_not_found',
      'not_executable',
      'invalid_argument',
      'no_capacity',
    ];
    if (!(error instanceof FsbError) || !codes.includes(error.code)) throw error;
  });
  // One that says no more: whoever used it is told when it is destroyed.
  if (stays) await Promise.all([channel.ping(50).catch(noop), instance.destroy('it is silent')]);
  await told;
  if (!stays) await failed;
}

const noop = (): void => {};
