import { isUnknownFormat } from '../../guest/process/spawn-error.ts';
import { FsbError } from '../../model/errors.ts';
import { formatPlatform, machinePlatform, type Platform } from '../../model/platform.ts';

/**
 * What to say of a program that the kernel does not know, in an image for another architecture: mostly it is nothing
 * but that. Undefined for every other error, and where a program of another architecture would have run by itself.
 */
export function foreignImageError(
  thrown: unknown,
  platform: Platform,
  machine: Platform = machinePlatform(),
): FsbError | undefined {
  const error = FsbError.from(thrown);
  const { architecture } = platform;
  if (!isUnknownFormat(error) || architecture === '' || architecture === machine.architecture)
    return undefined;
  const both = `image is for ${formatPlatform(platform)}, this machine is ${formatPlatform(machine)}`;
  return new FsbError('not_executable', `${error.message}: ${both}`, {
    hint: `Get the image for this machine: fsb-ctl pull --platform ${formatPlatform(machine)} IMAGE`,
    cause: error,
  });
}
