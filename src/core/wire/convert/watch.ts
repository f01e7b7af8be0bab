import type { SandboxNews, WatchQuery } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { WatchSandboxesRequest, WatchSandboxesResponse } from '../gen/fastpath/v1/fastpath.ts';
import { rangeFromWire, sandboxFromWire, sandboxToWire } from './sandbox.ts';

export const watchQueryToWire = ({
  namespace,
  labels = {},
  revision = '',
}: WatchQuery): WatchSandboxesRequest => ({
  namespace: namespace ?? '',
  allNamespaces: namespace === undefined,
  labels,
  revision,
});

export const watchQueryFromWire = (wire: WatchSandboxesRequest): WatchQuery => ({
  ...rangeFromWire(wire),
  ...(wire.revision === '' ? {} : { revision: wire.revision }),
});

export function newsToWire({ revision, sandbox, removed }: SandboxNews): WatchSandboxesResponse {
  if (sandbox) return { revision, what: { $case: 'sandbox', value: sandboxToWire(sandbox) } };
  if (!removed) return { revision, what: { $case: 'complete', value: {} } };
  const { id: sandboxId, namespace, name: sandboxName } = removed;
  return { revision, what: { $case: 'removed', value: { sandboxId, namespace, sandboxName } } };
}

/** @throws internal */
export function newsFromWire({ revision, what }: WatchSandboxesResponse): SandboxNews {
  switch (what?.$case) {
    case 'sandbox':
      return { revision, sandbox: sandboxFromWire(what.value) };
    case 'removed': {
      const { sandboxId: id, namespace, sandboxName: name } = what.value;
      return { revision, removed: { id, namespace, name } };
    }
    case 'complete':
      return { revision, complete: true };
    default:
      throw new FsbError('internal', 'the core told a change without its content');
  }
}
