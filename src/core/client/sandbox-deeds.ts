import type { MethodDefinition } from '@grpc/grpc-js';
import type { CallOptions, SandboxApi } from '../api/sandbox-api.ts';
import { assertSignal, SIGKILL, signalName } from '../model/process.ts';
import type { Sandbox, SandboxRef } from '../model/sandbox/sandbox.ts';
import { assertChangeFitsWire, changeToWire } from '../wire/convert/change.ts';
import { deleteToWire, refToWire, resetToWire, stopToWire } from '../wire/convert/parts.ts';
import { sandboxFromWire } from '../wire/convert/sandbox.ts';
import { type SandboxInfo, FastPathServiceService as service } from '../wire/gen/fastpath/v1/fastpath.ts';
import { assertNotNewer, carryThrough, type Deed, ifThere, orCannotTell } from './deed.ts';
import type { Rpc } from './rpc.ts';

type Lifecycle = 'stop' | 'start' | 'restart' | 'reset' | 'pause' | 'unpause' | 'signal';

/** What is done to a sandbox that is there. */
export type SandboxDeeds = Pick<SandboxApi, Lifecycle | 'delete' | 'rename' | 'update'>;

export interface SandboxDeedParts extends Pick<SandboxApi, 'get'> {
  rpc: Rpc;
  /** Asks for something that is answered at once. */
  look: (options: CallOptions) => Promise<unknown>;
}

/** Whether the next core finds it done. @param since when it was asked for first, milliseconds since the epoch */
type IsDone = (now: Sandbox, since: number) => boolean;

export function sandboxDeeds({ rpc, get, look }: SandboxDeedParts): SandboxDeeds {
  const call = async <T>(method: MethodDefinition<T, SandboxInfo>, request: T, options?: CallOptions) =>
    sandboxFromWire(await rpc.call(method, request, options));

  const changed = (
    { what, hint, act }: Deed<Sandbox>,
    ref: SandboxRef,
    options: CallOptions = {},
    isDone: IsDone = never,
  ): Promise<Sandbox> => {
    const again = async (since: number): Promise<Sandbox> => {
      const now = await get(ref, { signal: options.signal });
      assertNotNewer(now, since, what);
      return isDone(now, since) ? now : act();
    };
    return carryThrough({ what, hint, act, again }, options, look);
  };

  return {
    async delete(ref, options = {}) {
      const deed = deedOn(ref, 'deleted', async () => {
        await rpc.call(service.deleteSandbox, deleteToWire(ref, options), options);
      });
      const again = async (since: number): Promise<void> => {
        const now = await ifThere(get(ref, { signal: options.signal }));
        if (now === undefined) return;
        assertNotNewer(now, since, deed.what);
        await ifThere(deed.act());
      };
      await carryThrough({ ...deed, again }, options, look);
    },
    stop(ref, options = {}) {
      const stop = () => call(service.stopSandbox, stopToWire(ref, options), options);
      return changed(deedOn(ref, 'stopped', stop), ref, options);
    },
    start(ref, options) {
      const start = () => call(service.startSandbox, { ...refToWire(ref), size: options?.size }, options);
      return changed(deedOn(ref, 'started', start), ref, options, hasBegun);
    },
    restart(ref, options = {}) {
      const restart = () => call(service.restartSandbox, stopToWire(ref, options), options);
      return changed(deedOn(ref, 'restarted', restart), ref, options, hasBegun);
    },
    reset(ref, options = {}) {
      const reset = () => call(service.resetSandbox, resetToWire(ref, options), options);
      return changed(deedOn(ref, 'reset', reset), ref, options, hasBegun);
    },
    pause(ref, options) {
      const pause = () => call(service.pauseSandbox, refToWire(ref), options);
      return changed(deedOn(ref, 'paused', pause), ref, options, (now) => isPaused(now) === true);
    },
    unpause(ref, options) {
      const unpause = () => call(service.unpauseSandbox, refToWire(ref), options);
      return changed(deedOn(ref, 'unpaused', unpause), ref, options, (now) => isPaused(now) === false);
    },
    async signal(ref, signal, options) {
      assertSignal(signal);
      const deed = deedOn(ref, `sent ${signalName(signal)}`, async () => {
        await rpc.call(service.signalSandbox, { ...refToWire(ref), signal }, options);
      });
      // Any other may mean something else each time that it comes.
      if (signal !== SIGKILL) return orCannotTell(deed, options);
      const again = async (since: number): Promise<void> => {
        const now = await get(ref, { signal: options?.signal });
        assertNotNewer(now, since, deed.what);
        if (now.state.phase === 'Running' && !hasBegun(now, since)) await deed.act();
      };
      await carryThrough({ ...deed, again }, options, look);
    },
    async rename(ref, newName, options) {
      const deed = deedOn(ref, `renamed to ${newName}`, () =>
        call(service.renameSandbox, { ...refToWire(ref), newName }, options),
      );
      const again = async (since: number): Promise<Sandbox> => {
        const asking = { signal: options?.signal };
        const old = await ifThere(get(ref, asking));
        if (old !== undefined && old.createdAt < since) return old.name === newName ? old : deed.act();
        return get({ ...ref, name: newName }, asking);
      };
      return carryThrough({ ...deed, again }, options, look);
    },
    async update(ref, change, options) {
      await assertChangeFitsWire(change);
      const update = async (): Promise<Sandbox> =>
        sandboxFromWire((await rpc.call(service.updateSandbox, changeToWire(ref, change), options)).sandbox);
      const hint = `It may have been: see fsb-ctl get ${ref.name}.`;
      return changed({ ...deedOn(ref, 'updated', update), hint }, ref, options);
    },
  };
}

/** @param done `stopped` */
const deedOn = <T>({ name }: SandboxRef, done: string, act: () => Promise<T>): Deed<T> => ({
  ...{ what: `sandbox ${name} was ${done}`, act },
  hint: 'It may have been: see fsb-ctl list -a.',
});

const never: IsDone = () => false;

/** A command that was short may have ended by now, and must not run twice. */
const hasBegun: IsDone = ({ state }, since) => 'startedAt' in state && (state.startedAt ?? 0) >= since;

/** Undefined for one that does not run. */
const isPaused = ({ state }: Sandbox): boolean | undefined =>
  state.phase === 'Running' ? state.paused === true : undefined;
