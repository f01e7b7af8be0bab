import type { ListQuery } from '../api/sandbox-api.ts';
import type { Sandbox } from '../model/sandbox.ts';

/** Those that the query asks for, by namespace and name. */
export function listed(sandboxes: Sandbox[], { namespace, labels = {}, phases }: ListQuery): Sandbox[] {
  return sandboxes
    .filter((sandbox) => namespace === undefined || sandbox.namespace === namespace)
    .filter((sandbox) => phases === undefined || phases.includes(sandbox.state.phase))
    .filter((sandbox) => Object.entries(labels).every(([key, value]) => sandbox.spec.labels[key] === value))
    .sort(
      (a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name) || a.createdAt - b.createdAt,
    );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
