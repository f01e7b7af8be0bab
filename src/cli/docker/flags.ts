const PORTS = 'No port is published; reach one of a sandbox with: fsb-ctl port-forward NAME 8080:80';
const NETWORKS =
  'A sandbox has --network none or host; reach a port of it with: fsb-ctl port-forward NAME 8080:80';
const RIGHTS = 'There is none: every sandbox has the same few rights.';
const VOLUMES = 'Name a directory of the node with --volume /source:/target or /source:/target:rw.';

/** Flags of docker's `run` and `exec` that there are not, or not with docker's values, and what there is instead. */
export const dockerFlags: Readonly<Record<string, string>> = {
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
  cidfile: 'Give --id-file FILE.',
  'stop-signal': "It is the image's; another one is sent with: fsb-ctl stop --signal SIGNAL NAME",
  'stop-timeout': 'It is grace_period in a file of --file; or: fsb-ctl stop --grace 10s NAME',
};
