import type { CoreApi } from '../../api/core-api.ts';
import type { ExecRequest } from '../../api/sandbox-api.ts';
import type { CallMetrics, ExecKind } from './call-metrics.ts';

/** The same core, which counts what is asked of it, however the question comes. */
export function measuredCore(core: CoreApi, metrics: CallMetrics): CoreApi {
  const { sandboxes, pools, images, system } = core;
  return {
    sandboxes: replacing(sandboxes, {
      create: (request, options) =>
        metrics.timeCreate(request.spec, () => sandboxes.create(request, options)),
      exec: (ref, request, options) =>
        metrics.exec(kindOf(request, 'sandbox'), () => sandboxes.exec(ref, request, options)),
      logs: (ref, query, options) => metrics.read(sandboxes.logs(ref, query, options)),
    }),
    pools: replacing(pools, {
      run: (request, options) => metrics.exec('run', () => pools.run(request, options)),
      exec: (lease, request, options) =>
        metrics.exec(kindOf(request, 'lease'), () => pools.exec(lease, request, options)),
    }),
    images: replacing(images, {
      pull: (request, options) => metrics.pull(images.pull(request, options)),
    }),
    system,
    close: () => core.close(),
    [Symbol.asyncDispose]: () => core.close(),
  };
}

const kindOf = ({ guestTool }: ExecRequest, kind: ExecKind): ExecKind => (guestTool ? 'tool' : kind);

/** A part of a core with some methods of its own. */
function replacing<Part extends object>(part: Part, own: Partial<Part>): Part {
  return new Proxy(part, {
    get(target, name) {
      const replaced = own[name as keyof Part];
      if (replaced !== undefined) return replaced;
      const value = Reflect.get(target, name) as unknown;
      // The part is a class with private fields: its methods must be its own.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
