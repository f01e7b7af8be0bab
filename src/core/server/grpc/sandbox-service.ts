import type { CoreApi } from '../../api/core-api.ts';
import { FsbError } from '../../model/errors.ts';
import { createFromWire } from '../../wire/convert/create.ts';
import { deleteFromWire, exitToWire, refFromWire } from '../../wire/convert/parts.ts';
import { createResponseToWire, listFromWire, sandboxToWire } from '../../wire/convert/sandbox.ts';
import type { FastPathServiceServer } from '../../wire/gen/fastpath/v1/fastpath.ts';
import type { CreateMetrics } from '../metrics/create-metrics.ts';
import { unary } from './unary.ts';

export function sandboxService(
  { sandboxes }: CoreApi,
  metrics: CreateMetrics,
  closing: AbortSignal,
): FastPathServiceServer {
  return {
    createSandbox: unary(async (request, options) => {
      const domain = createFromWire(request);
      return createResponseToWire(
        await metrics.timeCreate(domain.spec, () => sandboxes.create(domain, options)),
      );
    }),
    getSandbox: unary(async (request, options) =>
      sandboxToWire(await sandboxes.get(refFromWire(request), options)),
    ),
    listSandboxes: unary(async (request, options) => ({
      items: (await sandboxes.list(listFromWire(request), options)).map(sandboxToWire),
    })),
    deleteSandbox: unary(async (request, options) => {
      await sandboxes.delete(refFromWire(request), { ...deleteFromWire(request), ...options });
      return { success: true };
    }),
    waitSandbox: unary(
      async (request, options) => ({
        status: exitToWire(await sandboxes.wait(refFromWire(request), options)),
      }),
      { endWith: closing },
    ),
    updateSandbox: unary(async () => {
      throw new FsbError('unsupported', 'this core cannot update sandboxes', {
        hint: 'Delete the sandbox and create it anew.',
      });
    }),
  };
}
