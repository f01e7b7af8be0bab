import { join } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';

/** Those that the package brings programs for, in Node's words. */
const ARCHITECTURES = ['x64', 'arm64'];

/**
 * The directory of fsb-init and fsb-launch, as they were built for this machine.
 * @throws unsupported on an architecture that they are not made for
 */
export function guestDirectory(packageRoot: string, architecture: string = process.arch): string {
  if (ARCHITECTURES.includes(architecture)) return join(packageRoot, 'guest/build', `linux-${architecture}`);
  throw new FsbError('unsupported', `fsb-ctl has no programs for sandboxes on ${architecture}`, {
    hint: `A core runs on ${ARCHITECTURES.join(' and ')}; from here you can use one elsewhere: see --host.`,
  });
}
