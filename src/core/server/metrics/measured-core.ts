import type { ExecRequest } from '../../api/sandbox-api.ts';
import { replacing } from '../../model/replacing.ts';
import type { Served } from '../served.ts';
import type { CallMetrics, ExecKind } from './call-metrics.ts';

/** The same core, which counts what is asked of it, however the question comes. */
export function measuredCore(core: Served, metrics: CallMetrics): Served {
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
    ...('agent' in core && { agent: core.agent }),
    close: () => core.close(),
    [Symbol.asyncDispose]: () => core.close(),
  };
}

const kindOf = ({ guestTool }: ExecRequest, kind: ExecKind): ExecKind => (guestTool ? 'tool' : kind);
