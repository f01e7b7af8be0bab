import type { CallOptions, CreateRequest, ListQuery, SandboxApi } from '../api/sandbox-api.ts';
import { systemClock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import { assertSignal } from '../model/process.ts';
import type { Sandbox } from '../model/sandbox/sandbox.ts';
import { assertChangeFitsWire, changeToWire } from '../wire/convert/change.ts';
import { assertSpecFitsWire, createToWire } from '../wire/convert/create.ts';
import { deleteToWire, exitFromWire, refToWire, resetToWire, stopToWire } from '../wire/convert/parts.ts';
import { pageFromWire, pageQueryToWire, sandboxFromWire } from '../wire/convert/sandbox.ts';
import { usageFromWire, usageQueryToWire } from '../wire/convert/usage.ts';
import { newsFromWire, watchQueryToWire } from '../wire/convert/watch.ts';
import { FastPathServiceService as sandboxes } from '../wire/gen/fastpath/v1/fastpath.ts';
import { askAgain } from './ask-again.ts';
import type { Rpc } from './rpc.ts';
import { wasReached } from './unreachable.ts';

/** The sandboxes of a core, but for what streams. */
export type SandboxCalls = Omit<SandboxApi, 'exec' | 'attach' | 'logs'>;

/** Sandboxes in one answer: far below the longest one, and more than most cores have. */
const PAGE = 1000;

export function sandboxCalls(rpc: Rpc): SandboxCalls {
  const page: SandboxApi['page'] = async (query, options) =>
    pageFromWire(await rpc.call(sandboxes.listSandboxes, pageQueryToWire(query), options));
  const get: SandboxApi['get'] = async (ref, options) =>
    sandboxFromWire(await rpc.call(sandboxes.getSandbox, refToWire(ref), options));
  const look = (options: CallOptions): Promise<unknown> => page({ limit: 1 }, options);
  return {
    async create(request, options) {
      await assertSpecFitsWire(request.spec);
      const answer = rpc.call(sandboxes.createSandbox, createToWire(request), options);
      const { sandbox } = await answer.catch((error) => {
        throw createLost(request, FsbError.from(error)) ?? error;
      });
      return sandboxFromWire(sandbox);
    },
    get,
    list: (query, options) => listAll(page, query, options),
    page,
    async *watch(query, options) {
      const answers = rpc.stream(sandboxes.watchSandboxes, watchQueryToWire(query), options);
      for await (const answer of answers) yield newsFromWire(answer);
    },
    async delete(ref, options = {}) {
      const since = systemClock.now();
      let times = 0;
      const ask = async (): Promise<void> => {
        times += 1;
        if (times > 1) assertNotNewer(await get(ref, { signal: options.signal }), since);
        await rpc.call(sandboxes.deleteSandbox, deleteToWire(ref, options), options);
      };
      await askAgain(ask, options, look).catch((error) => {
        // Told by the second core: the first one has done it.
        if (times === 1 || FsbError.from(error).code !== 'not_found') throw error;
      });
    },
    async wait(ref, options = {}) {
      const ask = () => rpc.call(sandboxes.waitSandbox, refToWire(ref), options);
      return exitFromWire((await askAgain(ask, options, look)).status ?? {});
    },
    stop: async (ref, options = {}) =>
      sandboxFromWire(await rpc.call(sandboxes.stopSandbox, stopToWire(ref, options), options)),
    start: async (ref, options) =>
      sandboxFromWire(await rpc.call(sandboxes.startSandbox, refToWire(ref), options)),
    restart: async (ref, options = {}) =>
      sandboxFromWire(await rpc.call(sandboxes.restartSandbox, stopToWire(ref, options), options)),
    reset: async (ref, options = {}) =>
      sandboxFromWire(await rpc.call(sandboxes.resetSandbox, resetToWire(ref, options), options)),
    pause: async (ref, options) =>
      sandboxFromWire(await rpc.call(sandboxes.pauseSandbox, refToWire(ref), options)),
    unpause: async (ref, options) =>
      sandboxFromWire(await rpc.call(sandboxes.unpauseSandbox, refToWire(ref), options)),
    async signal(ref, signal, options) {
      assertSignal(signal);
      await rpc.call(sandboxes.signalSandbox, { ...refToWire(ref), signal }, options);
    },
    rename: async (ref, newName, options) =>
      sandboxFromWire(await rpc.call(sandboxes.renameSandbox, { ...refToWire(ref), newName }, options)),
    async update(ref, change, options) {
      await assertChangeFitsWire(change);
      return sandboxFromWire(
        (await rpc.call(sandboxes.updateSandbox, changeToWire(ref, change), options)).sandbox,
      );
    },
    usage: async (query, options) =>
      (await rpc.call(sandboxes.getUsage, usageQueryToWire(query), options)).items.map(usageFromWire),
  };
}

/** Whoever was told that no core is there would take it that nothing runs. Undefined where nothing was sent. */
function createLost(
  { name, idempotencyKey, autoRemove }: CreateRequest,
  error: FsbError,
): FsbError | undefined {
  if (!wasReached(error)) return undefined;
  const goes = autoRemove ? '; then it is deleted when its command has ended' : '';
  const again = 'Do the same again: its idempotency key gives the same sandbox.';
  return new FsbError('run_failed', `cannot tell whether sandbox ${name} was created: ${error.message}`, {
    hint: idempotencyKey ? again : `It may have been created${goes}: see fsb-ctl list -a.`,
    cause: error,
  });
}

/** A deletion that is asked for again must not take what has the name by now. @throws conflict */
function assertNotNewer({ name, createdAt }: Sandbox, since: number): void {
  if (createdAt < since) return;
  throw new FsbError(
    'conflict',
    `the core ended while sandbox ${name} was deleted, and by now there is a newer one`,
    {
      hint: `To delete that one: fsb-ctl delete ${name}`,
    },
  );
}

async function listAll(
  page: SandboxApi['page'],
  query: ListQuery,
  options?: CallOptions,
): Promise<Sandbox[]> {
  const found: Sandbox[] = [];
  let token: string | undefined;
  do {
    const { items, next } = await page({ ...query, limit: PAGE, token }, options);
    found.push(...items);
    token = next;
  } while (token !== undefined);
  return found;
}
