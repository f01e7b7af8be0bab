import type { PartialSpec } from './spec-from-flags.ts';

/** What a part of the template is about, and the line of each key in it where nothing else is known. */
type Section = [about: string, keys: Record<string, string>];

const SECTIONS: Section[] = [
  [
    'What it runs in: host (this machine\'s own tools), an image from "fsb-ctl image list", or one of a registry.',
    { image: 'image: host' },
  ],
  ["Replaces the image's entrypoint.", { command: '# command: ["/usr/bin/env"]' }],
  ["Replaces the image's default command.", { args: 'args: ["sleep", "infinity"]' }],
  ['Environment variables.', { envs: '# envs:\n#   GREETING: hello' }],
  ['Where the command starts; made if missing.', { working_dir: '# working_dir: /app' }],
  ['name, uid, name:group or uid:gid.', { user: '# user: "1000:1000"' }],
  ['Ports that the command listens on.', { exposed_ports: '# exposed_ports: [8080]' }],
  ['Labels, to find it by: fsb-ctl list --selector team=red', { labels: '# labels:\n#   team: red' }],
  [
    'It ends by itself after this long: 90s, 5m, 1h30m, 2d. Or at a moment, as unix time: expire_time.',
    { ttl: '# ttl: 1h', expire_time: '' },
  ],
  [
    'What it may use.',
    { resources: '# resources:\n#   cpus: 1\n#   memory: 512m\n#   pids: 256\n#   disk: 10g' },
  ],
  ['none or host.', { network: '# network: none' }],
  [
    'Directories of this machine inside the sandbox.',
    { mounts: '# mounts:\n#   - source: /srv/data\n#     target: /data\n#     read_only: true' },
  ],
  ['Between asking it to end and killing it.', { grace_period: '# grace_period: 10s' }],
  ['Keep its standard input open, give it a terminal.', { stdin: '# stdin: false', tty: '# tty: false' }],
  ['Which warm pool it comes from.', { pool_ref: '# pool_ref: default-pool' }],
  [
    'With fast it answers when it runs, with strong when its record is on disk too.',
    { consistency_mode: '# consistency_mode: fast' },
  ],
  [
    'When it is lost: Manual (it stays so), or AutoRecreate (anew from the image, after the timeout).',
    {
      failure_policy: '# failure_policy: Manual',
      recovery_timeout_seconds: '# recovery_timeout_seconds: 60',
    },
  ],
];

/**
 * What the editor opens for a name that was never edited. Every key that a sandbox has stands here; those that are
 * commented out show their default or an example.
 * @param filled the YAML of the keys that are known already
 * @param held what the command line gives, whatever is written here
 */
export function specTemplate(
  name: string,
  filled: Readonly<Record<string, string>> = {},
  held: Pick<PartialSpec, 'stdin' | 'tty'> = {},
): string {
  const known: Record<string, string> = {
    // An entrypoint of one's own has nothing to do with the example's arguments.
    ...('command' in filled && { args: '# args: []' }),
    ...(held.stdin && { stdin: '# stdin: true, by -i of the command line' }),
    ...(held.tty && { tty: '# tty: true, by -t of the command line' }),
    ...filled,
  };
  const sections = SECTIONS.map(([about, keys]) => {
    const lines = Object.entries(keys).map(([key, example]) => known[key]?.trimEnd() ?? example);
    return [`# ${about}`, ...lines.filter((line) => line !== '')].join('\n');
  });
  return `# Sandbox ${name}. Change what you need, save, and leave the editor.
# Lines that start with # count for nothing, and an empty text cancels.

${sections.join('\n\n')}
`;
}
