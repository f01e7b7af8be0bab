import type { CallOptions, CreateRequest, ListQuery, SandboxApi } from '../api/sandbox-api.ts';
import type { Sandbox } from '../model/sandbox/sandbox.ts';
import { assertSpecFitsWire, createToWire } from '../wire/convert/create.ts';
import { exitFromWire, refToWire } from '../wire/convert/parts.ts';
import { pageFromWire, pageQueryToWire, sandboxFromWire } from '../wire/convert/sandbox.ts';
import { usageFromWire, usageQueryToWire } from '../wire/convert/usage.ts';
import { newsFromWire, watchQueryToWire } from '../wire/convert/watch.ts';
import { FastPathServiceService as sandboxes } from '../wire/gen/fastpath/v1/fastpath.ts';
import type { Absence } from './absence.ts';
import { askAgain } from './ask-again.ts';
import { type Deed, orCannotTell } from './deed.ts';
import type { Rpc } from './rpc.ts';
import { sandboxDeeds } from './sandbox-deeds.ts';

/** The sandboxes of a core, but for what streams. */
export type SandboxCalls = Omit<SandboxApi, 'exec' | 'attach' | 'logs'>;

/** Sandboxes in one answer: far below the longest one, and more than most cores have. */
const PAGE = 1000;

export function sandboxCalls(rpc: Rpc, absence?: Absence): SandboxCalls {
  const page: SandboxApi['page'] = async (query, options) =>
    pageFromWire(await rpc.call(sandboxes.listSandboxes, pageQueryToWire(query), options));
  const get: SandboxApi['get'] = async (ref, options) =>
    sandboxFromWire(await rpc.call(sandboxes.getSandbox, refToWire(ref), options));
  const first = (options: CallOptions): Promise<unknown> => page({ limit: 1 }, options);
  const look = absence?.watch(first) ?? first;
  return {
    async create(request, options) {
      await assertSpecFitsWire(request.spec);
      const act = () => rpc.call(sandboxes.createSandbox, createToWire(request), options);
      return sandboxFromWire((await orCannotTell({ ...creation(request), act }, options)).sandbox);
    },
    get,
    list: (query, options) => listAll(page, query, options),
    page,
    async *watch(query, options) {
      const answers = rpc.stream(sandboxes.watchSandboxes, watchQueryToWire(query), options);
      for await (const answer of answers) yield newsFromWire(answer);
    },
    async wait(ref, options = {}) {
      const ask = () => rpc.call(sandboxes.waitSandbox, refToWire(ref), options);
      return exitFromWire((await askAgain(ask, options, look)).status ?? {});
    },
    ...sandboxDeeds({ rpc, get, look }),
    usage: async (query, options) =>
      (await rpc.call(sandboxes.getUsage, usageQueryToWire(query), options)).items.map(usageFromWire),
  };
}

function creation({ name, idempotencyKey, autoRemove }: CreateRequest): Pick<Deed<never>, 'what' | 'hint'> {
  const goes = autoRemove ? '; then it is deleted when its command has ended' : '';
  const again = 'Do the same again: its idempotency key gives the same sandbox.';
  return {
    what: `sandbox ${name} was created`,
    hint: idempotencyKey ? again : `It may have been created${goes}: see fsb-ctl list -a.`,
  };
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
