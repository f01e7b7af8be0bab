import { HOST_IMAGE } from '../../model/image/reference.ts';
import type { SandboxSpec } from '../../model/sandbox/spec.ts';
import type { Ledger } from './ledger.ts';

/**
 * The digest of the image below kept files: what was written lies over the image that it was written on, whatever its
 * name means by now. Undefined for the machine's own: that is as it is.
 */
export const imageUnder = (
  instance: string,
  spec: Pick<SandboxSpec, 'image'>,
  ledger: Pick<Ledger, 'get'>,
): string | undefined => (spec.image === HOST_IMAGE ? undefined : ledger.get(instance)?.shape.image);
