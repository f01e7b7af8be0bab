import { Flags } from '@oclif/core';
import { durationFlag, repeated, sizeFlag } from '../command/flags.ts';
import { cpusFlag, diskFlag, memoryFlag, pidsFlag } from '../command/limit-flags.ts';
import { PULL_POLICIES } from '../images/pull-flags.ts';

/**
 * The policy of a pool, a flag for each key that is set often: the same for `serve`, `daemon start`, `pool start`,
 * `pool create` and `pool update`. The defaults are the core's, so none is filled in here.
 */
export const policyFlags = {
  warm: Flags.string({
    ...repeated,
    summary:
      'Images to keep warm, and how many idle instances of each; without a number as many as --size. Default of the default pool: host.',
    helpValue: 'IMAGE[=N][,IMAGE[=N]]',
  }),
  size: Flags.integer({
    summary: 'Idle instances of each warm image that names no number. Default: 2.',
    min: 0,
  }),
  max: Flags.integer({ summary: 'Most instances at a time, warm and used together. Default: 8.', min: 1 }),
  min: Flags.integer({ summary: 'Instances that live at least. Default: 0.', min: 0 }),
  'buffer-min': Flags.integer({
    summary: 'Idle instances kept of an image in recent use, beyond those of --warm. Default: 1.',
    min: 0,
  }),
  'buffer-max': Flags.integer({
    summary: 'Idle instances of one image above which the rest goes. Default: 4.',
    min: 0,
  }),
  'memory-budget': sizeFlag({
    summary: 'Most memory of all instances together (2g). Default: 80 % of the machine.',
  }),
  ttl: durationFlag({
    summary: 'An idle instance beyond those kept goes after this long; 0: never. Default: 5m.',
  }),
  'max-age': durationFlag({ summary: 'An idle instance older than this is replaced; 0: never. Default: 0.' }),
  'on-empty': Flags.option({
    summary: 'When a claim finds nothing idle: boot one, wait for one, or fail. Default: boot.',
    options: ['boot', 'wait', 'fail'] as const,
  })(),
  'queue-timeout': durationFlag({ summary: 'How long a claim waits for an instance at most. Default: 30s.' }),
  reuse: Flags.option({
    summary:
      'one-shot: an instance is destroyed after its use; sticky: its processes are ended, its files stay, and it is used again. Default: one-shot.',
    options: ['one-shot', 'sticky'] as const,
  })(),
  'pause-idle': Flags.boolean({
    allowNo: true,
    summary: 'Freeze idle instances; a claim thaws them. Default: no.',
  }),
  cpus: cpusFlag({ summary: 'Cores of each instance, may be a fraction. Default: 1.' }),
  memory: memoryFlag({ summary: 'Memory limit of each instance (512m, 1.5g). Default: 512m.' }),
  pids: pidsFlag({ summary: 'Limit of processes and threads of each instance. Default: 256.' }),
  disk: diskFlag({
    summary: 'Limit of what each instance may write to its files (512m, 10g); 0: none. Default: 0.',
  }),
  'lease-ttl': durationFlag({
    summary: 'A lease is reclaimed when nothing ran in it for so long; 0: never. Default: 1h.',
  }),
};

/** `--image` is short for one warm entry. */
export const warmImageFlag = Flags.string({
  summary: 'Image to keep warm, as many as --size: short for --warm IMAGE.',
  helpValue: 'IMAGE',
});

/** Which of the warm images to pull from their registries first. */
export const warmPullFlag = Flags.option({
  summary:
    'Pull warm images from their registries: those that are missing, always all, or never. Default: missing.',
  options: PULL_POLICIES,
});

export const policyFileFlag = Flags.string({
  char: 'f',
  summary: 'Read the policy from a YAML or JSON file; - is standard input.',
  helpValue: 'FILE',
});
