import { parseAllDocuments } from 'yaml';

/** Command lines that print data: each must print the same in every form. There is a sandbox `box`, and a pool `quiet` with nothing warm. */

/** What only looks, one document each. */
export const looks = [
  ...['list', 'get box', 'inspect box', 'top box', 'stats --no-stream', 'image list', 'image inspect host'],
  ...['image history host', 'pool list', 'pool get quiet', 'pool inspect quiet', 'pool status quiet'],
  ...['pool leases', 'context inspect default', 'config get pool'],
  ...['info', 'version', 'system df', 'system df -v'],
];

/** The same of the daemon, and of who names no core. */
export const looksOfDaemon = ['daemon status', 'doctor', 'context show', 'context list'];

/** What does something, in this order; afterwards all is as before, but for a lease. */
export const deeds = [
  ...['run made --image host -- sleep 1000', 'pause made', 'unpause made', 'update made --label a=b'],
  ...['stop -t 0 made', 'start made', 'restart -t 0 made', 'reset -t 0 made', 'kill made', 'wait made'],
  ...['rename made built', 'delete built', 'pool create new', 'pool update new --max 2', 'pool stop new'],
  ...['pool start new', 'pool drain new', 'pool delete new', 'pool run --lease', 'image import alpine.tar'],
  ...['image remove alpine', 'image prune -f', 'system prune -f'],
  ...['context create far --host tcp://far:1', 'context update far -n x', 'context use default'],
  ...['context remove far', 'config set pool default-pool', 'config unset pool', 'logout nobody.invalid'],
];

export type Row = Record<string, unknown>;

/** A command that ended, or a tool of ours, for the moment that `top` saw it. */
const isPassing = (row: unknown): boolean =>
  typeof (row as Row).command === 'string' && /^\[.*\]$/.test((row as Row).command as string);

const parsed = (text: string): unknown[] => {
  try {
    return [JSON.parse(text)];
  } catch {
    // Of a stream, one a line.
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }
};

/** What is in one list or in several documents, and without what goes on meanwhile: sizes, times, counters. */
const standing = (documents: unknown[]): Row[] =>
  JSON.parse(JSON.stringify(documents.flat().filter((row) => !isPassing(row))), (_, value) =>
    typeof value === 'number' ? 0 : typeof value === 'string' ? value.replaceAll(/[\d.]+/g, '0') : value,
  );

/** @throws where it is no JSON, or more than that */
export const rowsOfJson = (text: string): Row[] => (text === '' ? [] : standing(parsed(text)));

/** @throws where it is no YAML, or more than that */
export function rowsOfYaml(text: string): Row[] {
  const documents = parseAllDocuments(text);
  if (!('map' in documents)) throw new Error('no document');
  return standing(
    documents.map((one) => {
      if (one.errors.length > 0) throw one.errors[0];
      return one.toJS();
    }),
  );
}
