import { type Hints, hintsFor } from './hints.ts';

/** Flags of docker that there are not, of commands that run one in a guest and of `update`. */

const PORTS = 'No port is published; reach one of a sandbox with: fsb-ctl port-forward NAME 8080:80';
const NETWORKS =
  'A sandbox has --network none or host; reach a port of it with: fsb-ctl port-forward NAME 8080:80';
const RIGHTS = 'There is none: every sandbox has the same few rights.';
const OWN = 'There is none: every sandbox has kernel namespaces of its own, and the runtime of the core.';
const VOLUMES = 'Name a directory of the node with --volume /source:/target or /source:/target:rw.';
const CPUS = 'Give --cpus N, the most that it may use: there are no shares and no sets of cores.';
const MEMORY = 'Give --memory SIZE, the most that it may use: there is nothing more to say of memory.';
const PACE =
  'There is none: how fast it reads and writes has no limit; fsb-ctl run --disk SIZE bounds how much it writes.';
const NAMES =
  'There is none: /etc/hosts and /etc/resolv.conf are files of the sandbox, and its own to write.';
const LOGS = 'There is none: what it writes is kept by the core, for fsb-ctl logs NAME.';
const HEALTH = 'There is none: ask with fsb-ctl exec NAME COMMAND.';
const HOST_NAME =
  'There is none: a sandbox has the host name of its instance; -e HOSTNAME=NAME is for what reads the environment.';
const RESTART =
  'There is none for a command that ends; fsb-ctl run --failure-policy says what becomes of a lost sandbox.';
const TRUST = 'Leave it out: NAME@sha256:... is that image and no other.';

/** Of `run` and `update`. */
export const limitFlags: Hints = {
  ...hintsFor(CPUS, 'c cpu-shares cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpuset-cpus cpuset-mems'),
  ...hintsFor(MEMORY, 'memory-swap memory-swappiness memory-reservation kernel-memory oom-kill-disable'),
  'blkio-weight': PACE,
  restart: RESTART,
};

/** Of every command that makes a sandbox. */
const bootFlags: Hints = {
  ...limitFlags,
  'oom-score-adj': MEMORY,
  ...hintsFor(
    PACE,
    'blkio-weight-device device-read-bps device-read-iops device-write-bps device-write-iops',
  ),
  ...hintsFor(NAMES, 'dns dns-search dns-opt dns-option add-host'),
  ...hintsFor(NETWORKS, 'network network-alias net-alias link link-local-ip ip ip6 mac-address'),
  ...hintsFor(
    RIGHTS,
    'privileged cap-add cap-drop security-opt device device-cgroup-rule gpus group-add userns sysctl',
  ),
  ...hintsFor(OWN, 'ipc pid uts cgroupns cgroup-parent isolation runtime'),
  ...hintsFor(LOGS, 'log-driver log-opt'),
  ...hintsFor(
    HEALTH,
    'health-cmd health-interval health-timeout health-retries health-start-period health-start-interval no-healthcheck',
  ),
  ...hintsFor('There is none: every file of a sandbox can be written, and is its own.', 'tmpfs read-only'),
  ...hintsFor(PORTS, 'p publish P publish-all'),
  ...hintsFor(VOLUMES, 'mount volumes-from volume-driver'),
  ...hintsFor(HOST_NAME, 'h hostname domainname'),
  init: 'Leave it out: every sandbox has an init of its own.',
  'shm-size': 'There is none: /dev/shm has 64m, which count as memory.',
  ulimit: 'There is none: the limits are --cpus, --memory, --pids and --disk.',
  'storage-opt': 'Give --disk SIZE.',
  'disable-content-trust': TRUST,
};

const runHints: Hints = {
  ...bootFlags,
  name: 'The name is the first word: fsb-ctl run NAME --image IMAGE',
  annotation: 'There is none: --label K=V says what you like of a sandbox.',
  'label-file': 'Give each label with --label K=V.',
  'stop-signal': "It is the image's; another one is sent with: fsb-ctl stop --signal SIGNAL NAME",
  'stop-timeout': 'It is grace_period in a file of --file; or: fsb-ctl stop --grace 10s NAME',
};

const NAMELESS =
  'A run of a pool has none: a sandbox with a name, which is kept, is made with fsb-ctl run NAME.';
const ITS_LIMITS = 'A command has the limits of its sandbox: fsb-ctl update NAME --cpus 2 --memory 1g';
const BOOTED = 'Say it when the sandbox is made: fsb-ctl run --help';

/** Those that are no flags of docker's exec, and none of ours: they are said when something is made. */
const execHints = (limits: string, booted: string): Hints => ({
  ...hintsFor(booted, Object.keys(runHints).join(' ')),
  ...hintsFor(booted, 'image rm a attach entrypoint pull platform label l v volume net expose cidfile disk'),
  ...hintsFor(limits, [...Object.keys(limitFlags), 'cpus m memory pids pids-limit ulimit'].join(' ')),
  restart: booted,
  privileged: RIGHTS,
});

/** By the ids of the commands. */
export const guestFlags: Readonly<Record<string, Hints>> = {
  run: runHints,
  'pool:run': {
    ...bootFlags,
    ...hintsFor(NAMELESS, 'd detach name a attach rm l label expose annotation label-file cidfile'),
    ...hintsFor(NAMELESS, 'entrypoint restart stop-signal stop-timeout'),
  },
  exec: execHints(ITS_LIMITS, BOOTED),
  'pool:exec': execHints(
    'A command has the limits of its lease: fsb-ctl pool run --lease --cpus 2 --memory 1g',
    'Say it when the lease is made: fsb-ctl pool run --help',
  ),
};
