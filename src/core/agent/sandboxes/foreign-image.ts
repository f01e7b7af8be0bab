import { isUnknownFormat } from '../../guest/process/spawn-error.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { ResolvedImage } from '../../model/image/image.ts';
import { formatPlatform, machinePlatform, type Platform } from '../../model/image/platform.ts';
import { familiarName } from '../../model/image/reference.ts';

/**
 * What to say of a program that the kernel does not know, in an image for another architecture: mostly it is nothing
 * but that. Undefined for every other error, and where a program of another architecture would have run by itself.
 */
export function foreignImageError(
  thrown: unknown,
  { reference, platform }: Pick<ResolvedImage, 'reference' | 'platform'>,
  machine: Platform = machinePlatform(),
): FsbError | undefined {
  const error = FsbError.from(thrown);
  const { architecture } = platform;
  if (!isUnknownFormat(error) || architecture === '' || architecture === machine.architecture)
    return undefined;
  const name = familiarName(reference);
  const both = `image ${name} is for ${formatPlatform(platform)}, this machine is ${formatPlatform(machine)}`;
  return new FsbError('not_executable', `${error.message}: ${both}`, {
    hint: `Get the image for this machine: fsb-ctl pull --platform ${formatPlatform(machine)} ${name}`,
    cause: error,
  });
}
