/**
 * What the editor opens for a name that was never edited. Every key that a sandbox has stands here; those that are
 * commented out show their default or an example.
 */
export function specTemplate(name: string): string {
  return `# Sandbox ${name}. Change what you need, save, and leave the editor.
# Lines that start with # count for nothing.

# What it runs in: host (this machine's own tools), an image from "fsb-ctl image list", or one of a registry.
image: host

# Replaces the image's entrypoint.
# command: ["/usr/bin/env"]

# Replaces the image's default command.
args: ["sleep", "infinity"]

# Environment variables.
# envs:
#   GREETING: hello

# Where the command starts; made if missing.
# working_dir: /app

# name, uid, name:group or uid:gid.
# user: "1000:1000"

# Ports that the command listens on.
# exposed_ports: [8080]

# Labels, to find it by: fsb-ctl list --selector team=red
# labels:
#   team: red

# It ends by itself after this long: 90s, 5m, 1h30m, 2d. Or at a moment, as unix time: expire_time.
# ttl: 1h

# resources:
#   cpus: 1
#   memory: 512m
#   pids: 256

# none or host.
# network: none

# Directories of this machine inside the sandbox.
# mounts:
#   - source: /srv/data
#     target: /data
#     read_only: true

# Between asking it to end and killing it.
# grace_period: 10s

# Keep its standard input open, give it a terminal.
# stdin: false
# tty: false

# Which warm pool it comes from.
# pool_ref: default-pool

# With fast it answers when it runs, with strong when its record is on disk too.
# consistency_mode: fast

# When its node is lost: Manual, or AutoRecreate after recovery_timeout_seconds.
# failure_policy: Manual
# recovery_timeout_seconds: 60
`;
}
