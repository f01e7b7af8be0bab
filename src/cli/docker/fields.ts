/** Of docker's inspect, those that there is nothing equal to. */
const instead: Readonly<Record<string, string>> = {
  NetworkSettings:
    'A sandbox has no address of its own; reach a port of it with: fsb-ctl port-forward NAME 8080:80',
  HostConfig:
    'What it may use is in .spec.resources (cpus, memory in bytes, pids, disk), the network in .spec.network.',
  Mounts: 'Directories of the node are in .spec.mounts.',
  Pid: 'There is none: what runs in a sandbox is shown by: fsb-ctl top NAME',
  RestartCount: 'How often it began anew is in .generation.',
  LogPath: 'What it wrote is printed by: fsb-ctl logs NAME',
};

/** What to say of a field of docker that there is not. */
export const insteadOfField = (field: string): string | undefined =>
  Object.hasOwn(instead, field) ? instead[field] : undefined;
