import type { OpenChannel } from '../../../src/core/guest/guest-channel.ts';
import { type Clock, systemClock } from '../../../src/core/model/clock.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { BootedInstance, RuntimeDriver } from '../../../src/core/runtime/driver.ts';
import { MemoryChannel } from '../guest/memory-guest.ts';
import { openChannel as openRealChannel } from '../guest/open-channel.ts';
import { type RealGuest, startRealGuest } from '../guest/real-guest.ts';
import { type FakeCall, FakeScript, type FakeStep } from './fake-script.ts';

export type { FakeStep } from './fake-script.ts';

export interface FakeDriverOptions {
  /** `memory`: no process at all, for tests of timing. `process`: a real fsb-init in a pid namespace of its own. */
  guest?: 'memory' | 'process';
  /** For the delays of the script. */
  clock?: Clock;
}

interface FakeCounts {
  /** Booted and not yet destroyed, whether its guest lives or not. */
  live: number;
  booting: number;
  /** The most that were live or booting at one moment. */
  peak: number;
  /** The most that were booting at one moment. */
  peakBooting: number;
  paused: number;
}

export interface FakeDriver {
  readonly driver: RuntimeDriver;
  readonly openChannel: OpenChannel;
  readonly counts: Readonly<FakeCounts>;
  /** Every call so far, oldest first. */
  readonly calls: readonly { call: FakeCall; id: string }[];
  /** Ids that are live, oldest first. */
  readonly instances: readonly string[];
  /** Ids of which there are files. */
  readonly files: readonly string[];
  /** The next calls of this kind take these steps, one each; later ones the standing step. */
  script(call: FakeCall, ...steps: FakeStep[]): void;
  /** The standing step of every call of this kind that has no scripted one. */
  always(call: FakeCall, step: FakeStep): void;
  /** From outside, as the kernel's memory killer would: the channel breaks, the driver still lists it. */
  killInstance(id: string): void;
  callsOf(call: FakeCall): string[];
  /** Ends every guest that is left. */
  close(): Promise<void>;
}

interface FakeInstance {
  booted: BootedInstance;
  paused: boolean;
  alive: boolean;
  channels: Set<MemoryChannel>;
  guest?: RealGuest;
}

export function createFakeDriver(options: FakeDriverOptions = {}): FakeDriver {
  const { guest: kind = 'memory', clock = systemClock } = options;
  const script = new FakeScript(clock);
  const instances = new Map<string, FakeInstance>();
  const files = new Set<string>();
  const calls: { call: FakeCall; id: string }[] = [];
  const tally = { booting: 0, peak: 0, peakBooting: 0 };
  let nextPid = 1000;

  const play = (call: FakeCall, id: string, signal?: AbortSignal): Promise<FakeStep | undefined> => {
    calls.push({ call, id });
    return script.play(call, signal);
  };

  const get = (id: string): FakeInstance => {
    const instance = instances.get(id);
    if (!instance) throw new FsbError('run_failed', `the fake driver has no instance ${id}`);
    return instance;
  };

  const kill = async (id: string): Promise<void> => {
    const instance = instances.get(id);
    if (!instance) return;
    instance.alive = false;
    for (const channel of instance.channels) channel.lose(new Error('the guest was killed'));
    await instance.guest?.stop();
  };

  const bootGuest = async (id: string): Promise<FakeInstance> => {
    const common = { paused: false, alive: true, channels: new Set<MemoryChannel>() };
    if (kind === 'memory') {
      nextPid += 1;
      return { ...common, booted: { id, channelPath: `memory:${id}`, pid: nextPid, pidStartTime: nextPid } };
    }
    const guest = await startRealGuest();
    const { channelPath, pid, pidStartTime } = guest;
    return { ...common, guest, booted: { id, channelPath, pid, pidStartTime } };
  };

  const processesOf = ({ channels, guest }: FakeInstance): number => {
    if (guest !== undefined) return guest.processes() - 1;
    return [...channels].reduce((sum, channel) => sum + channel.running, 0);
  };

  const notePeak = (): void => {
    tally.peak = Math.max(tally.peak, instances.size + tally.booting);
    tally.peakBooting = Math.max(tally.peakBooting, tally.booting);
  };

  const driver: RuntimeDriver = {
    name: 'fake',
    async probe() {
      await play('probe', '');
      return { name: 'fake', available: true, version: '1', cgroups: 'v2', problem: '', hint: '' };
    },
    async boot({ id }, signal) {
      tally.booting += 1;
      notePeak();
      try {
        await play('boot', id, signal);
        const instance = await bootGuest(id);
        instances.set(id, instance);
        files.add(id);
        return instance.booted;
      } finally {
        tally.booting -= 1;
      }
    },
    async pause(id) {
      await play('pause', id);
      const instance = get(id);
      instance.guest?.freeze();
      instance.paused = true;
    },
    async resume(id) {
      await play('resume', id);
      const instance = get(id);
      instance.guest?.thaw();
      instance.paused = false;
    },
    async update(id) {
      await play('update', id);
      get(id);
    },
    async stats(id) {
      const step = await play('stats', id);
      const pids = step?.pids ?? 1 + processesOf(get(id));
      return { memory: 1 << 20, cpuMicros: 1000, pids, oomKills: step?.oomKills ?? 0 };
    },
    async kill(id) {
      await play('kill', id);
      await kill(id);
    },
    async destroy(id, { keepFiles = false } = {}) {
      await play('destroy', id);
      await kill(id);
      await instances.get(id)?.guest?.remove();
      instances.delete(id);
      if (!keepFiles) files.delete(id);
    },
    async list() {
      await play('list', '');
      const left = [...files].filter((id) => !instances.has(id));
      return [
        ...[...instances.values()].map(({ booted, alive }) => ({ ...booted, alive, onlyFiles: false })),
        ...left.map((id) => ({
          ...{ id, channelPath: '', pid: 0, pidStartTime: 0, alive: false, onlyFiles: true },
        })),
      ];
    },
  };

  const openMemoryChannel = (id: string): MemoryChannel => {
    const instance = get(id);
    if (!instance.alive) throw new FsbError('run_failed', `the guest of ${id} is dead`);
    const channel = new MemoryChannel((call) => play(call, id));
    instance.channels.add(channel);
    return channel;
  };

  return {
    driver,
    async openChannel(path, channelOptions) {
      const id = [...instances.values()].find(({ booted }) => booted.channelPath === path)?.booted.id ?? '';
      await play('connect', id, channelOptions.signal);
      return kind === 'memory' ? openMemoryChannel(id) : openRealChannel(path, channelOptions);
    },
    get counts() {
      const paused = [...instances.values()].filter((instance) => instance.paused).length;
      return { live: instances.size, paused, ...tally };
    },
    calls,
    get files() {
      return [...files];
    },
    get instances() {
      return [...instances.keys()];
    },
    script: (call, ...steps) => script.queue(call, steps),
    always: (call, step) => script.always(call, step),
    killInstance: (id) => void kill(id),
    callsOf: (call) => calls.filter((entry) => entry.call === call).map((entry) => entry.id),
    async close() {
      for (const [id, instance] of instances) {
        await kill(id);
        await instance.guest?.remove();
        instances.delete(id);
      }
    },
  };
}
