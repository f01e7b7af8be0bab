import { Flags, type Interfaces } from '@oclif/core';
import { durationFlag, filledFlag, instanceFlags, processFlags, repeated } from '../command/flags.ts';
import { globalFlags } from '../command/global-flags.ts';
import { imageSourceFlags } from '../images/pull-flags.ts';
import type { FlagArities } from '../words/pass-through.ts';
import { failurePolicyFlag, recoveryTimeoutFlag } from './recovery-flags.ts';

/** The flags of `run` beside the global ones. */
export const runFlags = {
  ...processFlags,
  interactive: Flags.boolean({
    ...processFlags.interactive,
    description:
      'In the foreground and without -t, its input ends when this call is gone and nobody attaches within 12 seconds.',
  }),
  image: Flags.string({
    summary: 'Image to run in: host, one of "image list", or one of a registry.',
    helpValue: 'IMAGE',
  }),
  ...imageSourceFlags,
  file: Flags.string({
    char: 'f',
    summary: 'Read the spec from a YAML or JSON file, as "get -o yaml" prints it, too; - is standard input.',
    helpValue: 'FILE',
  }),
  label: Flags.string({ ...repeated, char: 'l', summary: 'Label the sandbox.', helpValue: 'K[=V]' }),
  ttl: durationFlag({ summary: 'End it after this long (90s, 5m, 2d).', exclusive: ['expire-time'] }),
  'expire-time': Flags.integer({
    summary: 'End it at this time, in unix seconds; 0: never.',
    min: 0,
    helpValue: 'UNIX',
  }),
  pool: Flags.string({
    summary: 'Warm pool to take it from. Default: as configured, else default-pool.',
    aliases: ['pool-ref'],
    helpValue: 'POOL',
  }),
  consistency: Flags.option({
    summary: 'fast answers when it runs, strong when its record is on disk too. Default: fast.',
    aliases: ['consistency-mode'],
    options: ['fast', 'strong'] as const,
  })(),
  ...instanceFlags,
  port: Flags.string({
    ...repeated,
    char: 'p',
    aliases: ['expose'],
    summary: 'Port that the command listens on.',
    helpValue: 'PORT',
  }),
  entrypoint: Flags.string({
    summary: "Replace the image's entrypoint; empty: none, the words after NAME are the command.",
    helpValue: 'PATH',
  }),
  'failure-policy': failurePolicyFlag({
    summary:
      'When it is lost: Manual, it stays so, or AutoRecreate, it begins anew from the image. Default: Manual.',
  }),
  'recovery-timeout': recoveryTimeoutFlag({
    summary: 'How long AutoRecreate waits first, in whole seconds. Default: 60s.',
  }),
  attach: Flags.boolean({ char: 'a', summary: "Stream its output and exit with its command's code." }),
  rm: Flags.boolean({
    summary:
      'Delete it once its command has ended, also after a detach; implies --attach, but for -d. One whose client was killed, and may come back for the rest, keeps its name for ten seconds.',
  }),
  'id-file': filledFlag({
    aliases: ['cidfile'],
    summary: 'Write the id to this file, which must not exist.',
    helpValue: 'FILE',
  }),
  yes: Flags.boolean({ char: 'y', summary: 'Create what was edited without asking.' }),
  'idempotency-key': filledFlag({
    summary: 'The same key twice gives the same sandbox.',
    helpValue: 'KEY',
  }),
};

/** Of every flag that a line of `run` may have, the global ones among them. */
export const runArities = { ...globalFlags, ...runFlags } as FlagArities;

export type RunFlags = Interfaces.InferredFlags<typeof runFlags>;
