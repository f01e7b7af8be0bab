import { FsbError } from '../failure/errors.ts';

/** The most that one sandbox can have of a node: more is a promise that nobody can keep. */
export interface NodeLimits {
  cores: number;
  /** Process ids that its kernel gives out. */
  pids: number;
}

interface Asked {
  /** Undefined: nothing is asked for. */
  cpus?: number;
  pids?: number;
}

/** Less cannot be enforced: the kernel takes no shorter quota. */
const LEAST_CORES = 0.01;

/** What is too much, by its key, and what would do: `['cpus', '8 is not from 0.01 to 2: the node has 2 cores']`. */
export function beyondLimits({ cpus, pids }: Asked, node: NodeLimits): ['cpus' | 'pids', string][] {
  const beyond: ['cpus' | 'pids', string][] = [];
  if (cpus !== undefined && (cpus < LEAST_CORES || cpus > node.cores))
    beyond.push(['cpus', `${cpus} is not from ${LEAST_CORES} to ${coresOf(node)}`]);
  if (pids !== undefined && pids > node.pids)
    beyond.push([
      'pids',
      `${pids} is not from 1 to ${node.pids}: the kernel of the node has no more process ids`,
    ]);
  return beyond;
}

const coresOf = ({ cores }: NodeLimits): string =>
  `${cores}: the node has ${cores} ${cores === 1 ? 'core' : 'cores'}`;

/**
 * @param isKept what is asked for was said earlier, to a node that had it: nobody says it now
 * @throws invalid_argument
 */
export function assertWithin(asked: Asked, node: NodeLimits, isKept = false): void {
  const [first] = beyondLimits(asked, node);
  if (first === undefined) return;
  const [key, problem] = first;
  const [least, most] = key === 'cpus' ? [LEAST_CORES, node.cores] : [1, node.pids];
  throw new FsbError('invalid_argument', `${key} ${problem}`, {
    hint: isKept
      ? `What a sandbox has is changed with: fsb-ctl update NAME --${key} ${most}`
      : `Give a --${key} from ${least} to ${most}, or leave it out.`,
  });
}
