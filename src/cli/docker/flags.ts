import { parseSignal } from '../../core/model/process.ts';
import { guestCommandAt } from '../program/pass-through.ts';

type Hints = Readonly<Record<string, string>>;

const PORTS = 'No port is published; reach one of a sandbox with: fsb-ctl port-forward NAME 8080:80';
const NETWORKS =
  'A sandbox has --network none or host; reach a port of it with: fsb-ctl port-forward NAME 8080:80';
const RIGHTS = 'There is none: every sandbox has the same few rights.';
const VOLUMES = 'Name a directory of the node with --volume /source:/target or /source:/target:rw.';

/** Of `run` and `exec`. */
const guestFlags: Hints = {
  publish: PORTS,
  'publish-all': PORTS,
  P: PORTS,
  expose: 'Name a port that the command listens on with --port.',
  network: NETWORKS,
  net: NETWORKS,
  mount: VOLUMES,
  'volumes-from': VOLUMES,
  tmpfs: 'There is none: every file of a sandbox can be written, and is its own.',
  'read-only': 'There is none: every file of a sandbox can be written, and is its own.',
  privileged: RIGHTS,
  'cap-add': RIGHTS,
  'cap-drop': RIGHTS,
  'security-opt': RIGHTS,
  device: RIGHTS,
  gpus: RIGHTS,
  hostname: 'There is none: a sandbox has a host name of its own.',
  h: 'There is none: a sandbox has a host name of its own.',
  init: 'Leave it out: every sandbox has an init of its own.',
  restart: 'There is none for a command that ends; --failure-policy says what becomes of a lost sandbox.',
  'pids-limit': 'Give --pids N.',
  'storage-opt': 'Give --disk SIZE.',
  cidfile: 'Give --id-file FILE.',
  'stop-signal': "It is the image's; another one is sent with: fsb-ctl stop --signal SIGNAL NAME",
  'stop-timeout': 'It is grace_period in a file of --file; or: fsb-ctl stop --grace 10s NAME',
};

const FORMAT = "-f is --format here: --format '{{.field}}', or -o json";

/** Of other commands, by their ids. */
const otherFlags: Readonly<Record<string, Hints>> = {
  get: { f: FORMAT },
  info: { f: FORMAT },
  version: { f: FORMAT },
  'image:inspect': { f: FORMAT },
  // It has a value here, so it is refused where it has none.
  update: { disk: 'It keeps its size: run another sandbox with the --disk that you want.' },
  list: { selector: '-l is --selector K=V here; the one that was created last: --latest' },
  delete: {
    t: 'It is --grace: fsb-ctl delete --grace 1s NAME',
    time: 'It is --grace: fsb-ctl delete --grace 1s NAME',
  },
};

/** What to say of a flag of docker that there is not, or not with docker's values; undefined for any other. */
export function insteadOfFlag(command: string, flag: string): string | undefined {
  if (command === 'kill' && isSignal(flag)) return `Name it after -s: fsb-ctl kill -s ${flag} NAME`;
  const hints = guestCommandAt.has(command) ? guestFlags : (otherFlags[command] ?? {});
  return Object.hasOwn(hints, flag) ? hints[flag] : undefined;
}

function isSignal(text: string): boolean {
  try {
    return parseSignal(text) > 0;
  } catch {
    return false;
  }
}
