import { Flags, type Interfaces } from '@oclif/core';
import type { LeaseRequest } from '../../core/api/pool-api.ts';
import { DEFAULT_POOL } from '../../core/model/ids.ts';
import { commandFlags, durationFlag, instanceFlags } from '../command/flags.ts';
import { defined, nonEmpty } from '../command/given-only.ts';
import { limitsIn } from '../command/limit-flags.ts';
import { imageSourceFlags } from '../images/pull-flags.ts';
import { parseVolume } from '../spec/spec-from-flags.ts';

/** The flags of `pool run` beside the global ones. */
export const poolRunFlags = {
  ...commandFlags,
  ...instanceFlags,
  image: Flags.string({
    summary:
      'Image to run in: host, one of "image list", or one of a registry. Default: the pool\'s first warm one, else host.',
    helpValue: 'IMAGE',
  }),
  ...imageSourceFlags,
  pool: Flags.string({
    summary: 'Warm pool to take it from. Default: as configured, else default-pool.',
    helpValue: 'POOL',
  }),
  wait: durationFlag({ summary: "Wait this long for an instance at most. Default: the pool's." }),
  'on-empty': Flags.option({
    summary: "When nothing is idle: boot one, wait for one, or fail. Default: the pool's.",
    options: ['boot', 'wait', 'fail'] as const,
  })(),
  lease: Flags.boolean({
    summary: 'Keep the instance for "pool exec", until "pool release"; without a command print its id.',
  }),
  'lease-ttl': durationFlag({
    summary: "Reclaim the lease when nothing ran in it for so long; 0: never. Default: the pool's.",
    dependsOn: ['lease'],
  }),
  'detach-keys': Flags.string({
    summary:
      'Keys that leave a terminal session without ending it. Default: ctrl-p,ctrl-q with --lease, else none.',
    helpValue: 'KEYS',
    dependsOn: ['lease'],
  }),
};

export type PoolRunFlags = Interfaces.InferredFlags<typeof poolRunFlags>;

/**
 * What is to be claimed.
 * @param cwd that sources of mounts are relative to
 * @param pool the configured one
 * @throws invalid_argument
 */
export function leaseRequest(flags: PoolRunFlags, cwd: string, pool = DEFAULT_POOL): LeaseRequest {
  return {
    pool: flags.pool ?? pool,
    ...defined({
      image: flags.image,
      onEmpty: flags['on-empty'],
      wait: flags.wait,
      resources: nonEmpty(limitsIn(flags)),
      network: flags.network,
      mounts: flags.volume?.map((text) => parseVolume(text, cwd)),
    }),
  };
}
