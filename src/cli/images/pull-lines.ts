import type { PullEvent } from '../../core/model/image/pull.ts';
import { familiarName, familiarReference, parseReference } from '../../core/model/image/reference.ts';
import type { World } from '../terminal/world.ts';

/** Tells people on stderr how far a pull is. */
export interface PullProgress {
  on(event: PullEvent): Promise<void>;
  /** Leaves the cursor on a clean line below what is to stay. Idempotent. */
  close(): Promise<void>;
}

export type ProgressWorld = Pick<World, 'terminal' | 'env' | 'clock'>;

/** `3.20: Pulling from library/alpine` */
export function headline(text: string): string {
  const reference = parseReference(text);
  const { domain, path, tag, digest } = reference;
  const place = domain === 'docker.io' ? path : `${domain}/${path}`;
  return `${tag ?? digest ?? familiarReference(reference)}: Pulling from ${place}`;
}

/** `Digest: ...` and `Status: ...`, as docker ends. */
export const closingLines = ({ digest, upToDate, reference }: PullEvent & { kind: 'done' }): string =>
  `Digest: ${digest}\nStatus: ${
    upToDate ? 'Image is up to date for' : 'Downloaded newer image for'
  } ${familiarName(reference)}\n`;
