import { FsbError } from '../failure/errors.ts';
import { formatSize } from '../quantity.ts';

/** Each sandbox is held in memory, listed and told of with its spec: what one of them may be, many together must not take. */

const KIB = 1024;
/** Characters of command, arguments and environment together; the kernel takes no more than twice as many. */
const MOST_WORDS = 1024 * KIB;
/** Of all labels, keys and values. */
const MOST_LABELS = 64 * KIB;
/** Of everything else. */
const MOST_REST = 64 * KIB;

/** What is long in a spec, if anything is. */
interface Sized {
  command: readonly string[];
  args: readonly string[];
  envs: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
}

const lengthOfAll = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);
const lengthOfMap = (map: Readonly<Record<string, string>>): number =>
  lengthOfAll(Object.keys(map)) + lengthOfAll(Object.values(map));
const lengthOfWords = ({ command, args, envs }: Sized): number =>
  lengthOfAll(command) + lengthOfAll(args) + lengthOfMap(envs);

/** About the characters of a spec in an answer. */
export const lengthOfSpec = (spec: Sized): number => lengthOfWords(spec) + lengthOfMap(spec.labels);

/** @throws invalid_argument: it is too long */
export function assertSize(spec: Sized): void {
  const { command, args, envs, labels, ...rest } = spec;
  assertAtMost(MOST_WORDS, lengthOfWords(spec), 'command, args and envs take', 'Put it into a file.');
  assertLabels(labels);
  const hint = 'Ports, mounts and names are meant to be few and short.';
  assertAtMost(MOST_REST, JSON.stringify(rest).length, 'its other keys take', hint);
}

/** @throws invalid_argument: they are too long */
export const assertLabels = (labels: Sized['labels']): void =>
  assertAtMost(
    MOST_LABELS,
    lengthOfMap(labels),
    'labels take',
    'They are for finding a sandbox: put into a file what is long.',
  );

function assertAtMost(most: number, length: number, what: string, hint: string): void {
  if (length <= most) return;
  throw new FsbError(
    'invalid_argument',
    `invalid sandbox spec: ${what} ${formatSize(length)} together, more than ${formatSize(most)}`,
    { hint },
  );
}
