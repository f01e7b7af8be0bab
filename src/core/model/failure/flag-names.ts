/** Which flag of the command line says the same as a key: whoever typed one must not have to guess the other. */
export type FlagNames = Readonly<Record<string, string>>;

export const resourceFlags: FlagNames = {
  'resources.cpus': '--cpus',
  'resources.memory': '--memory',
  'resources.pids': '--pids',
  'resources.disk': '--disk',
};

export const specFlags: FlagNames = {
  image: '--image',
  command: '--entrypoint',
  envs: '--env',
  working_dir: '--workdir',
  user: '--user',
  tty: '--tty',
  stdin: '--interactive',
  pool_ref: '--pool',
  exposed_ports: '--port',
  consistency_mode: '--consistency',
  failure_policy: '--failure-policy',
  recovery_timeout_seconds: '--recovery-timeout',
  expire_time: '--expire-time',
  ttl: '--ttl',
  labels: '--label',
  ...resourceFlags,
  network: '--network',
  mounts: '--volume',
};

/** `resources.memory (--memory)` */
export const named = (key: string, flags: FlagNames): string =>
  Object.hasOwn(flags, key) ? `${key} (${flags[key]})` : key;

/** `labels.-x: not a valid label key`, `image is missing`, with the flag that sets the key, or the one that it is in, behind it. */
export function withFlag(line: string, flags: FlagNames): string {
  const [key = ''] = line.split(/: | is missing$/, 1);
  const [first = '', second = ''] = key.split('.');
  const flag = flags[`${first}.${second}`] ?? flags[first];
  return key === line || flag === undefined ? line : `${key} (${flag})${line.slice(key.length)}`;
}
