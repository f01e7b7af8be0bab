import { FsbError } from '../../core/model/errors.ts';
import { parseSignal } from '../../core/model/process.ts';
import { guestCommandAt } from '../program/pass-through.ts';

type Hints = Readonly<Record<string, string>>;

const PORTS = 'No port is published; reach one of a sandbox with: fsb-ctl port-forward NAME 8080:80';
const NETWORKS =
  'A sandbox has --network none or host; reach a port of it with: fsb-ctl port-forward NAME 8080:80';
const RIGHTS = 'There is none: every sandbox has the same few rights.';
const OWN = 'There is none: every sandbox has kernel namespaces of its own, and the runtime of the core.';
const VOLUMES = 'Name a directory of the node with --volume /source:/target or /source:/target:rw.';

const CPUS = 'Give --cpus N, the most that it may use: there are no shares and no sets of cores.';
const MEMORY = 'Give --memory SIZE, the most that it may use: there is nothing more to say of memory.';
const NAMES =
  'There is none: /etc/hosts and /etc/resolv.conf are files of the sandbox, and its own to write.';
const LOGS = 'There is none: what it writes is kept by the core, for fsb-ctl logs NAME.';
const HEALTH = 'There is none: ask with fsb-ctl exec NAME COMMAND.';
const RESTART =
  'There is none for a command that ends; --failure-policy says what becomes of a lost sandbox.';

const hintsFor = (hint: string, flags: string): Hints =>
  Object.fromEntries(flags.split(' ').map((flag) => [flag, hint]));

/** Of `run` and `update`. */
const limitFlags: Hints = {
  ...hintsFor(CPUS, 'c cpu-shares cpu-period cpu-quota cpuset-cpus cpuset-mems'),
  ...hintsFor(MEMORY, 'memory-swap memory-swappiness memory-reservation kernel-memory oom-kill-disable'),
  'pids-limit': 'Give --pids N.',
  'blkio-weight': 'There is none: --disk SIZE of run bounds what it may write.',
  restart: RESTART,
};

/** Of `run` and `exec`. */
const guestFlags: Hints = {
  ...limitFlags,
  ...hintsFor(NAMES, 'dns dns-search dns-option add-host'),
  ...hintsFor(NETWORKS, 'network net network-alias link ip ip6 mac-address'),
  ...hintsFor(RIGHTS, 'privileged cap-add cap-drop security-opt device gpus group-add userns sysctl'),
  ...hintsFor(OWN, 'ipc pid uts cgroupns cgroup-parent isolation runtime'),
  ...hintsFor(LOGS, 'log-driver log-opt'),
  ...hintsFor(HEALTH, 'health-cmd health-interval health-timeout health-retries no-healthcheck'),
  ...hintsFor('There is none: every file of a sandbox can be written, and is its own.', 'tmpfs read-only'),
  publish: PORTS,
  'publish-all': PORTS,
  P: PORTS,
  expose: 'Name a port that the command listens on with --port.',
  mount: VOLUMES,
  'volumes-from': VOLUMES,
  hostname: 'There is none: a sandbox has a host name of its own.',
  h: 'There is none: a sandbox has a host name of its own.',
  init: 'Leave it out: every sandbox has an init of its own.',
  'shm-size': 'There is none: /dev/shm has 64m, which count as memory.',
  ulimit: 'There is none: the limits are --cpus, --memory, --pids and --disk.',
  'label-file': 'Give each label with --label K=V.',
  'storage-opt': 'Give --disk SIZE.',
  cidfile: 'Give --id-file FILE.',
  'stop-signal': "It is the image's; another one is sent with: fsb-ctl stop --signal SIGNAL NAME",
  'stop-timeout': 'It is grace_period in a file of --file; or: fsb-ctl stop --grace 10s NAME',
};

const SIZES = hintsFor('What sandboxes take on the disk is in: fsb-ctl system df --verbose', 's size');
const TLS = 'tls tlscacert tlscert tlskey tlsverify';
const FORMAT = "-f is --format here: --format '{{.field}}', or -o json";

/** Of other commands, by their ids. */
const otherFlags: Readonly<Record<string, Hints>> = {
  // In front of the command.
  '': {
    H: 'It is --host ENDPOINT here; fsb-ctl context list has those with a name.',
    c: 'It is --context NAME here.',
    ...hintsFor('Set FSB_DEBUG=1 in the environment, to see where errors come from.', 'D debug'),
    ...hintsFor("The core's is FSB_LOG_LEVEL=debug, where it is started.", 'l log-level'),
    ...hintsFor('Files of TLS belong to a context: fsb-ctl context create --help', TLS),
  },
  cp: hintsFor('Leave it out: a directory is copied with everything in it.', 'r R recursive'),
  get: { f: FORMAT, type: 'Leave it out for a sandbox; an image: fsb-ctl image inspect', ...SIZES },
  info: { f: FORMAT },
  version: { f: FORMAT },
  'image:inspect': { f: FORMAT },
  'image:pull': hintsFor('Name each tag that you want: fsb-ctl image pull NAME:TAG', 'a all-tags'),
  logs: { details: 'There are no more; labels and variables are in: fsb-ctl get NAME' },
  top: hintsFor('The columns are those of ps -ef; others: fsb-ctl exec NAME ps aux', 'e ef'),
  // It has a value here, so it is refused where it has none.
  update: { ...limitFlags, disk: 'It keeps its size: run another sandbox with the --disk that you want.' },
  list: { ...SIZES, selector: '-l is --selector K=V here; the one that was created last: --latest' },
  'system:prune': { volumes: 'Leave it out: there are no volumes.' },
  delete: {
    ...hintsFor('Leave it out: there are no volumes to remove with it.', 'v volumes'),
    t: 'It is --grace: fsb-ctl delete --grace 1s NAME',
    time: 'It is --grace: fsb-ctl delete --grace 1s NAME',
  },
};

/**
 * What to say of a flag of docker that there is not, or not with docker's values; undefined for any other.
 * @param command its id; empty in front of it
 */
export function insteadOfFlag(command: string, flag: string): string | undefined {
  if (command === 'kill' && isSignal(flag)) return `Name it after -s: fsb-ctl kill -s ${flag} NAME`;
  const hints = guestCommandAt.has(command) ? guestFlags : (otherFlags[command] ?? {});
  return Object.hasOwn(hints, flag) ? hints[flag] : undefined;
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

function isSignal(text: string): boolean {
  try {
    return parseSignal(text) > 0;
  } catch {
    return false;
  }
}
