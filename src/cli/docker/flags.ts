import { FsbError } from '../../core/model/failure/errors.ts';
import { parseSignal } from '../../core/model/process.ts';
import { guestFlags, limitFlags } from './guest-flags.ts';
import { type Hints, hintsFor } from './hints.ts';

const SIZES = hintsFor('What sandboxes take on the disk is in: fsb-ctl system df --verbose', 's size');
const TLS = 'tls tlscacert tlscert tlskey tlsverify';
const FORMAT = "-f is --format here: --format '{{.field}}', or -o json";

const PLATFORM = 'Leave it out: an image that is here is of one platform, the one it was pulled for.';

/** Of `id=$(fsb-ctl run -d ...)`, where docker prints the id alone, and run a table. */
const ID_ALONE = 'If it is what run printed: run -d -q prints the id alone.';

/** What to say of a name that is no name, but a table of ours. */
export const insteadOfName = (name: string): string | undefined =>
  /^NAME(\s|$)|\n/.test(name) ? ID_ALONE : undefined;

/** Of every command, by its id. */
const flagsOf: Readonly<Record<string, Hints>> = {
  ...guestFlags,
  // In front of the command.
  '': {
    H: 'It is --host ENDPOINT here; fsb-ctl context list has those with a name.',
    c: 'It is --context NAME here.',
    ...hintsFor('Set FSB_DEBUG=1 in the environment, to see where errors come from.', 'D debug'),
    ...hintsFor("The core's is FSB_LOG_LEVEL=debug, where it is started.", 'l log-level'),
    ...hintsFor('Files of TLS belong to a context: fsb-ctl context create --help', TLS),
  },
  'context:create': {
    docker: 'Give --host ENDPOINT.',
    from: 'Give it the endpoint that this one has, with --host: fsb-ctl context show NAME',
  },
  'context:update': { docker: 'Give --host ENDPOINT.' },
  start: hintsFor(
    'There is none: fsb-ctl pause NAME freezes a sandbox, and unpause lets it go on.',
    'checkpoint checkpoint-dir',
  ),
  cp: hintsFor('Leave it out: a directory is copied with everything in it.', 'r R recursive'),
  get: {
    f: FORMAT,
    type: 'Leave it out for a sandbox; an image: fsb-ctl inspect --type image NAME',
    ...SIZES,
  },
  inspect: SIZES,
  'image:inspect': { platform: PLATFORM },
  'image:list': { tree: 'There is none: each image is one, of one platform.' },
  'image:pull': {
    ...hintsFor('Name each tag that you want: fsb-ctl image pull NAME:TAG', 'a all-tags'),
    'disable-content-trust': 'Leave it out: NAME@sha256:... is that image and no other.',
  },
  'image:history': { platform: PLATFORM },
  'image:save': {
    platform: PLATFORM,
    format: 'Leave it out: the archive is an OCI archive and what docker load reads, both at once.',
  },
  'image:remove': {
    'no-prune': 'Leave it out: layers that another image needs stay, the others are of no use.',
    platform: PLATFORM,
  },
  'image:import': hintsFor("Give it a label that says so: --change 'LABEL comment=TEXT'", 'm message'),
  logs: { details: 'There are no more; labels and variables are in: fsb-ctl get NAME' },
  top: hintsFor(
    'The columns are those of ps -ef; others: fsb-ctl exec NAME ps aux',
    'e ef A a u x f F l H L T',
  ),
  // It has a value here, so it is refused where it has none.
  update: { ...limitFlags, disk: 'It keeps its size; another sandbox: fsb-ctl run NAME --disk SIZE' },
  list: { ...SIZES, selector: '-l is --selector K=V here; the one that was created last: --latest' },
  'system:prune': { volumes: 'Leave it out: there are no volumes.' },
  delete: {
    ...hintsFor('Leave it out: there are no volumes to remove with it.', 'v volumes'),
    link: 'Leave it out: there are no links between sandboxes.',
  },
};

/**
 * What to say of a flag of docker that there is not, or not with docker's values; undefined for any other.
 * @param command its id; empty in front of it
 */
export function insteadOfFlag(command: string, flag: string): string | undefined {
  if (command === 'kill' && isSignal(flag)) return `Name it after -s: fsb-ctl kill -s ${flag} NAME`;
  const hints = flagsOf[command] ?? {};
  return Object.hasOwn(hints, flag) ? hints[flag] : undefined;
}

/** What to say of a word for which there is no room; undefined where its command's usage is all there is to say. */
export function insteadOfWord(command: string, word: string): string | undefined {
  if (word === 'ID') return ID_ALONE;
  return command === 'top'
    ? `The columns are those of ps -ef; others: fsb-ctl exec NAME ps ${word}`
    : undefined;
}

/**
 * Of `list`: docker's -n 1 would be an empty list of a namespace that nobody has. Who writes --namespace means it.
 * @throws invalid_argument for a number behind -n
 */
export function assertNoCount(argv: readonly string[], namespace = ''): void {
  if (!/^\d+$/.test(namespace) || argv.some((word) => /^--namespace(=|$)/.test(word))) return;
  throw new FsbError('invalid_argument', `-n is the namespace, and ${namespace} is a number`, {
    hint: `The newest: fsb-ctl list --last ${namespace}. A namespace of that name: --namespace ${namespace}`,
  });
}

/**
 * Of `list`: docker's -lq and -laq would be the list of a label q that nobody has. Who means the label writes `-l q`.
 * @throws invalid_argument for -l with nothing but flags of docker ps behind it, in the same word
 */
export function assertNoLatest(argv: readonly string[], selectors: readonly string[] = []): void {
  for (const word of argv) {
    const [, label] = /^-[aAq]*l([aflnqs]+)$/.exec(word) ?? [];
    if (label === undefined || !selectors.includes(label)) continue;
    throw new FsbError('invalid_argument', `-l is --selector, and ${label} in ${word} its label`, {
      hint: `The one that was created last: --latest, as in fsb-ctl list --latest -q. A label of that name: -l ${label}`,
    });
  }
}

function isSignal(text: string): boolean {
  try {
    return parseSignal(text) > 0;
  } catch {
    return false;
  }
}
