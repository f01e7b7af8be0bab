import { formatDuration } from '../../core/model/quantity.ts';

/**
 * What a person waits for whose sandbox does not end at once.
 * @param grace milliseconds; undefined: the sandbox's own
 */
export function endingLine(name: string, grace: number | undefined): string {
  const when = grace === undefined ? 'its grace period is over' : `${formatDuration(grace)} are over`;
  return `Waiting for ${name} to end: it is killed when ${when}`;
}
