import type { CoreApi } from '../../api/core-api.ts';
import type { CallOptions, SandboxApi } from '../../api/sandbox-api.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import { changeFromWire, resetRevisionFromWire } from '../../wire/convert/change.ts';
import { createFromWire } from '../../wire/convert/create.ts';
import {
  deleteFromWire,
  exitToWire,
  refFromWire,
  resetFromWire,
  stopFromWire,
} from '../../wire/convert/parts.ts';
import {
  createResponseToWire,
  pageQueryFromWire,
  pageToWire,
  sandboxToWire,
} from '../../wire/convert/sandbox.ts';
import { usageQueryFromWire, usageToWire } from '../../wire/convert/usage.ts';
import { newsToWire, watchQueryFromWire } from '../../wire/convert/watch.ts';
import type { FastPathServiceServer, UpdateRequest } from '../../wire/gen/fastpath/v1/fastpath.ts';
import { serverStream } from './server-stream.ts';
import { unary } from './unary.ts';

export function sandboxService({ sandboxes }: CoreApi, closing: AbortSignal): FastPathServiceServer {
  const waiting = { endWith: closing };
  return {
    createSandbox: unary(async (request, options) =>
      createResponseToWire(await sandboxes.create(createFromWire(request), options)),
    ),
    getSandbox: unary(async (request, options) =>
      sandboxToWire(await sandboxes.get(refFromWire(request), options)),
    ),
    listSandboxes: unary(async (request, options) =>
      pageToWire(await sandboxes.page(pageQueryFromWire(request), options)),
    ),
    watchSandboxes: serverStream(
      (request, options) => sandboxes.watch(watchQueryFromWire(request), options),
      newsToWire,
      waiting,
    ),
    deleteSandbox: unary(async (request, options) => {
      await sandboxes.delete(refFromWire(request), { ...deleteFromWire(request), ...options });
      return { success: true };
    }),
    waitSandbox: unary(
      async (request, options) => ({
        status: exitToWire(await sandboxes.wait(refFromWire(request), options)),
      }),
      waiting,
    ),
    updateSandbox: unary(async (request, options) => ({
      ...{ success: true, message: 'updated' },
      sandbox: sandboxToWire(await update(sandboxes, request, options)),
    })),
    stopSandbox: unary(
      async (request, options) =>
        sandboxToWire(await sandboxes.stop(refFromWire(request), { ...stopFromWire(request), ...options })),
      waiting,
    ),
    startSandbox: unary(async (request, options) =>
      sandboxToWire(await sandboxes.start(refFromWire(request), { size: request.size, ...options })),
    ),
    restartSandbox: unary(
      async (request, options) =>
        sandboxToWire(
          await sandboxes.restart(refFromWire(request), { ...stopFromWire(request), ...options }),
        ),
      waiting,
    ),
    resetSandbox: unary(
      async (request, options) =>
        sandboxToWire(await sandboxes.reset(refFromWire(request), { ...resetFromWire(request), ...options })),
      waiting,
    ),
    pauseSandbox: unary(async (request, options) =>
      sandboxToWire(await sandboxes.pause(refFromWire(request), options)),
    ),
    unpauseSandbox: unary(async (request, options) =>
      sandboxToWire(await sandboxes.unpause(refFromWire(request), options)),
    ),
    signalSandbox: unary(async (request, options) => {
      await sandboxes.signal(refFromWire(request), request.signal, options);
      return {};
    }),
    renameSandbox: unary(async (request, options) =>
      sandboxToWire(await sandboxes.rename(refFromWire(request), request.newName, options)),
    ),
    getUsage: unary(async (request, options) => ({
      items: (await sandboxes.usage(usageQueryFromWire(request), options)).map(usageToWire),
    })),
  };
}

/** What it changes first: a reset begins with that. The same revision again changes nothing. */
async function update(sandboxes: SandboxApi, request: UpdateRequest, options: CallOptions): Promise<Sandbox> {
  const ref = refFromWire(request);
  const revision = resetRevisionFromWire(request);
  const change = changeFromWire(request);
  const changed = Object.keys(change).length === 0 ? undefined : await sandboxes.update(ref, change, options);
  if (revision !== undefined) return sandboxes.reset(ref, { ...options, revision });
  return changed ?? sandboxes.get(ref, options);
}
