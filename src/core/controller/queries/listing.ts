import type { ListQuery } from '../../api/sandbox-api.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';

/** Those that the query asks for, by namespace and name. */
export const listed = (sandboxes: Sandbox[], query: ListQuery): Sandbox[] =>
  sandboxes.filter((sandbox) => isListed(sandbox, query)).sort(inOrder);

export const isListed = (sandbox: Sandbox, { phases, ...query }: ListQuery): boolean =>
  fits(sandbox, query) && (phases === undefined || phases.includes(sandbox.state.phase));

export const fits = (
  { namespace, spec }: Pick<Sandbox, 'namespace'> & { spec: Pick<Sandbox['spec'], 'labels'> },
  query: Omit<ListQuery, 'phases'>,
): boolean =>
  (query.namespace === undefined || namespace === query.namespace) &&
  Object.entries(query.labels ?? {}).every(([key, value]) => spec.labels[key] === value);

/** What a list is sorted by. Of two with one name one is being deleted. */
export type Place = Pick<Sandbox, 'namespace' | 'name' | 'createdAt'>;

export const inOrder = (a: Place, b: Place): number =>
  compare(a.namespace, b.namespace) || compare(a.name, b.name) || a.createdAt - b.createdAt;

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
