import type { FlagArities } from '../words/pass-through.ts';

const BOOLEAN =
  'disable-content-trust init no-healthcheck oom-kill-disable privileged P publish-all read-only'.split(' ');

const VALUED = `add-host annotation blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns
  cpu-period cpu-quota cpu-rt-period cpu-rt-runtime c cpu-shares cpuset-cpus cpuset-mems device device-cgroup-rule
  device-read-bps device-read-iops device-write-bps device-write-iops dns dns-opt dns-option dns-search domainname
  gpus group-add health-cmd health-interval health-retries health-start-interval health-start-period health-timeout
  hostname ip ip6 ipc isolation kernel-memory label-file link link-local-ip log-driver log-opt mac-address
  memory-reservation memory-swap memory-swappiness mount name net-alias network-alias oom-score-adj pid publish
  restart runtime security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs ulimit userns uts
  volume-driver volumes-from`.split(/\s+/);

const ofType = (type: 'boolean' | 'option', names: string[]): FlagArities =>
  Object.fromEntries(names.map((name) => [name, name.length === 1 ? { type, char: name } : { type }]));

/** Of docker's run, those that ours has not: which of them take the word after them. */
export const dockerRunFlags: FlagArities = { ...ofType('boolean', BOOLEAN), ...ofType('option', VALUED) };

/** What flags of docker's run there are beside a command's own, so that their values are not taken for its words. */
export const dockerFlagsOf = (id: string): FlagArities => (id === 'run' ? dockerRunFlags : {});
