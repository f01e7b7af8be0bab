import type { GuestChannel, GuestProcess } from '../../../src/core/guest/guest-channel.ts';
import { createOpenChannel } from '../../../src/core/guest/open-channel.ts';
import { type Clock, systemClock } from '../../../src/core/model/clock.ts';
import type { OutputChunk, ProcessSpec } from '../../../src/core/model/process.ts';
import { processSpec } from './process-spec.ts';
import { ScriptedGuest, type ScriptedGuestOptions } from './scripted-guest.ts';

/** A channel to a scripted guest; disposing of it closes both. */
export class ChannelFixture implements AsyncDisposable {
  readonly guest: ScriptedGuest;
  readonly channel: GuestChannel;

  private constructor(guest: ScriptedGuest, channel: GuestChannel) {
    this.guest = guest;
    this.channel = channel;
  }

  static async open({
    clock = systemClock,
    ...options
  }: ScriptedGuestOptions & { clock?: Clock } = {}): Promise<ChannelFixture> {
    const guest = await ScriptedGuest.start(options);
    return new ChannelFixture(guest, await createOpenChannel(clock)(guest.path, { timeoutMs: 5_000 }));
  }

  /** Process 1, just spawned. */
  async spawn(more: Partial<ProcessSpec> = {}): Promise<GuestProcess> {
    const spawning = this.channel.spawn(1, processSpec(['cat'], more));
    this.guest.send({ type: 'SPAWNED', process: 1, pid: 2 });
    return spawning;
  }

  /** Resolves when each side has read all that the other had sent. */
  async settle(): Promise<void> {
    const pinged = this.channel.ping(5_000);
    const nth = this.guest.ofType('PING').length + 1;
    await this.guest.heard('PING', nth);
    this.answerPing(nth);
    await pinged;
  }

  /** Answers the `nth` ping of the core, which has come. */
  answerPing(nth: number): void {
    this.guest.send({ type: 'PONG', process: 0, token: this.guest.ofType('PING')[nth - 1]!.token });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.channel.close();
    await this.guest[Symbol.asyncDispose]();
  }
}

/** Everything that is left of the output, as text. */
export async function collect(
  output: AsyncIterable<OutputChunk>,
): Promise<{ stdout: string; stderr: string }> {
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for await (const chunk of output) parts[chunk.stream].push(chunk.data);
  return { stdout: Buffer.concat(parts.stdout).toString(), stderr: Buffer.concat(parts.stderr).toString() };
}
