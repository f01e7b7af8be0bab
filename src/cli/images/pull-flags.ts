import { Flags, type Interfaces } from '@oclif/core';
import { formatPlatform, parsePlatform } from '../../core/model/image/platform.ts';

export const PULL_POLICIES = ['missing', 'always', 'never'] as const;

export type PullPolicy = (typeof PULL_POLICIES)[number];

/** `linux/arm64`, in the one spelling that the core has for it. */
export const platformFlag = Flags.custom<string>({
  helpValue: 'OS/ARCH[/VARIANT]',
  parse: async (text) => formatPlatform(parsePlatform(text)),
});

/** `run` and `pool run`. */
export const imageSourceFlags = {
  pull: Flags.option({
    summary: 'Pull the image from its registry: when it is missing, always, or never. Default: missing.',
    options: PULL_POLICIES,
  })(),
  platform: platformFlag({
    summary: "Run the image built for this platform, linux/arm64 for example. Default: the machine's own.",
  }),
};

export type ImageSourceFlags = Interfaces.InferredFlags<typeof imageSourceFlags>;
