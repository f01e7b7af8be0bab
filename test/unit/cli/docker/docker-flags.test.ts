import { describe, expect, it } from 'vitest';
import { findCommand } from '../../../../src/cli/command/command-table.ts';
import { insteadOfFlag } from '../../../../src/cli/docker/flags.ts';
import { dockerRunFlags } from '../../../../src/cli/docker/foreign-run-flags.ts';
import { loadCommand } from '../../../../src/cli/program/command-set.ts';
import type { FlagArities } from '../../../../src/cli/words/pass-through.ts';
import { COMMANDS } from '../../../../src/commands/index.ts';

/** Every flag that docker 27 has, by the words of its command: each is one of ours, or it is said what to type instead. */
const dockerFlags: Record<string, string> = {
  run: `add-host annotation a attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile
    cpu-period cpu-quota cpu-rt-period cpu-rt-runtime c cpu-shares cpus cpuset-cpus cpuset-mems d detach detach-keys device
    device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops disable-content-trust dns dns-opt
    dns-option dns-search domainname entrypoint e env env-file expose gpus group-add health-cmd health-interval
    health-retries health-start-interval health-start-period health-timeout h hostname init i interactive ip ip6 ipc
    isolation kernel-memory l label label-file link link-local-ip log-driver log-opt mac-address m memory
    memory-reservation memory-swap memory-swappiness mount name net network net-alias network-alias no-healthcheck
    oom-kill-disable oom-score-adj pid pids-limit platform privileged p publish P publish-all pull q quiet read-only restart
    rm runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs t tty ulimit u user userns
    uts v volume volume-driver volumes-from w workdir`,
  exec: 'd detach detach-keys e env env-file i interactive privileged t tty u user w workdir',
  ps: 'a all f filter format n last l latest no-trunc q quiet s size',
  logs: 'details f follow since n tail t timestamps until',
  rm: 'f force l link v volumes',
  stop: 's signal t time timeout',
  start: 'a attach checkpoint checkpoint-dir detach-keys i interactive',
  restart: 's signal t time timeout',
  kill: 's signal',
  pause: '',
  unpause: '',
  wait: '',
  rename: '',
  attach: 'detach-keys no-stdin sig-proxy',
  cp: 'a archive L follow-link q quiet',
  top: '',
  stats: 'a all format no-stream no-trunc',
  events: 'f filter format since until',
  update: `blkio-weight cpu-period cpu-quota cpu-rt-period cpu-rt-runtime c cpu-shares cpus cpuset-cpus cpuset-mems
    kernel-memory m memory memory-reservation memory-swap pids-limit restart`,
  inspect: 'f format s size type',
  images: 'a all digests f filter format no-trunc q quiet tree',
  'image inspect': 'f format platform',
  'image prune': 'a all filter f force',
  pull: 'a all-tags disable-content-trust platform q quiet',
  rmi: 'f force no-prune platform',
  save: 'o output platform',
  load: 'i input q quiet platform',
  import: 'c change m message platform',
  tag: '',
  history: 'format H human no-trunc q quiet platform',
  login: 'p password password-stdin u username',
  logout: '',
  info: 'f format',
  version: 'f format',
  'system df': 'format v verbose',
  'system prune': 'a all filter f force volumes',
  'context create': 'description docker from',
  'context update': 'description docker',
  'context inspect': 'f format',
  'context ls': 'format q quiet',
  'context rm': 'f force',
  'context show': '',
  'context use': '',
};

/** What runs a command in something that is not docker's has docker's flags all the same. */
const commands = Object.entries({
  ...dockerFlags,
  'pool run': dockerFlags.run!,
  'pool exec': dockerFlags.run!,
  exec: `${dockerFlags.run} ${dockerFlags.exec}`,
}).map(([words, flags]) => [words, flags.split(/\s+/).filter((flag) => flag !== '')] as const);

async function flagsOf(words: string): Promise<{ id: string; has: (flag: string) => boolean }> {
  const { id } = findCommand(words.split(' '), COMMANDS)!;
  const { baseFlags, flags } = await loadCommand(id, COMMANDS);
  const names = Object.entries({ ...baseFlags, ...flags } as FlagArities).flatMap(([name, flag]) => [
    ...[name, flag.char, ...(flag.aliases ?? []), ...(flag.charAliases ?? [])],
    // --sig-proxy=false is --no-sig-proxy.
    ...(name.startsWith('no-') && flag.type === 'boolean' ? [name.slice('no-'.length)] : []),
  ]);
  return { id, has: (flag) => names.includes(flag) };
}

it('knows of every flag of docker run whether it has a value, but of our own', async () => {
  const { has } = await flagsOf('run');
  const lacking = dockerFlags.run!.split(/\s+/).filter((flag) => !has(flag) && flag !== 'h');
  // Ours has a -p with another meaning, and -h is help.
  expect(Object.keys(dockerRunFlags).sort()).toEqual(lacking.sort());
});

describe.each(commands)('every flag of docker %s', (words, flags) => {
  it('is one of ours, or it is said what to type instead', async () => {
    const { id, has } = await flagsOf(words);
    expect(flags.filter((flag) => !has(flag) && insteadOfFlag(id, flag) === undefined)).toEqual([]);
  });

  it('is answered with flags that there are', async () => {
    const { id } = await flagsOf(words);
    // `Give --cpus N: fsb-ctl update NAME --memory 1g`: the first of the command itself, the others of theirs.
    for (const flag of flags)
      for (const [at, part] of (insteadOfFlag(id, flag) ?? '').split('fsb-ctl ').entries()) {
        const { has } = await flagsOf(at === 0 ? words : part.replaceAll(/[:,.;]/g, ''));
        for (const [, named = ''] of part.matchAll(/--([a-z][a-z-]*)/g))
          expect(has(named) || named === 'help', `--${named} in the hint of ${words} --${flag}`).toBe(true);
      }
  });
});
