import type { StrangeRecord } from '../../store/store.ts';

/** What a record may belong to that cannot be read: nothing of it is removed because no record wants it. */
export interface Doubt {
  instance(id: string): boolean;
  sandbox(id: string): boolean;
  pool(name: string): boolean;
}

/**
 * @param strange records that are set aside, as they are now: without them there is no doubt
 * @param isStoreAside a whole store is: nobody knows what there was
 */
export function doubtOf(strange: () => readonly StrangeRecord[], isStoreAside: () => boolean): Doubt {
  const isAbout = (
    tables: readonly string[],
    ids: (record: StrangeRecord) => unknown[],
    id: string,
  ): boolean =>
    isStoreAside() || strange().some((each) => tables.includes(each.table) && ids(each).includes(id));
  // The key of a sandbox is its first id, and it has another one in each generation: a torn one may be any.
  const isTornSandbox = ({ table, value }: StrangeRecord): boolean =>
    table === 'sandboxes' && partOf(value, 'id') === undefined;
  return {
    instance: (id) => isAbout(['instances', 'slots'], instancesIn, id),
    sandbox: (id) =>
      isAbout(['sandboxes', 'slots', 'instances', 'retained-logs'], sandboxesIn, id) ||
      strange().some(isTornSandbox),
    pool: (name) => isAbout(['pools'], ({ key }) => [key], name),
  };
}

const instancesIn = ({ table, key, value }: StrangeRecord): unknown[] =>
  table === 'instances' ? [key] : [partOf(value, 'instance')];

const sandboxesIn = ({ table, key, value }: StrangeRecord): unknown[] =>
  table === 'instances'
    ? ['sandboxId', 'logOf'].map((name) => partOf(partOf(value, 'use'), name))
    : [key, partOf(value, 'id'), partOf(partOf(value, 'previous'), 'id')];

const partOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
