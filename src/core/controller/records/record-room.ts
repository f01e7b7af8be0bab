import { getHeapStatistics } from 'node:v8';
import { FsbError } from '../../model/failure/errors.ts';
import { processMemory } from '../../model/process-memory.ts';
import { formatSize } from '../../model/quantity.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import { lengthOfSpec } from '../../model/sandbox/spec-size.ts';

const KIB = 1024;
const MOST = 128 * KIB * KIB;
/** Of the memory of the process: reading all records when it starts takes several times what they are. */
const PART = 1 / 16;
/** What one takes besides its spec. */
const EACH = 2 * KIB;

/** Characters that the specs of all sandboxes may take together, also of those that have ended: the core has them in memory, and reads them when it starts. */
export const recordRoom = (): number =>
  Math.min(MOST, Math.min(processMemory(), getHeapStatistics().heap_size_limit) * PART);

type Kept = Pick<Sandbox, 'namespace' | 'spec'>;

/** Specs are replaced, never changed. */
const known = new WeakMap<Sandbox['spec'], number>();

function roomOf({ spec }: Kept): number {
  const size = known.get(spec) ?? EACH + lengthOfSpec(spec);
  known.set(spec, size);
  return size;
}

/**
 * Whether there is room for the record of one beside others. All sandboxes of a namespace take no more than half of what the others leave: whoever
 * may only use that one keeps nobody else from having any.
 * @param most as recordRoom()
 * @throws no_capacity
 */
export function assertRecordRoom(
  all: Iterable<{ sandbox: Sandbox }>,
  one: Kept & Pick<Sandbox, 'id'>,
  most: number,
): void {
  let [own, others, count] = [0, 0, 0];
  for (const { sandbox } of all) {
    if (sandbox.id === one.id) continue;
    const mine = sandbox.namespace === one.namespace;
    if (mine) count += 1;
    if (mine) own += roomOf(sandbox);
    else others += roomOf(sandbox);
  }
  if (2 * (own + roomOf(one)) + others <= most) return;
  throw new FsbError(
    'no_capacity',
    `namespace ${one.namespace} has ${count} sandboxes, ended ones too, whose specs take ${formatSize(own)} of the core's memory: there is no room for more`,
    {
      hint: 'Delete those that have ended with: fsb-ctl system prune. What is long in environments and arguments is better in a file.',
    },
  );
}
