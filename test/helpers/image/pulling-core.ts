import type { PullRequest } from '../../../src/core/model/image/image-requests.ts';
import type { PullEvent } from '../../../src/core/model/image/pull.ts';
import { type HostCore, hostCore } from '../core/host-core/host-core.ts';

export interface PullingCore {
  core: HostCore;
  /** Names of the images that are here; more with every pull. */
  here: string[];
  pulls: PullRequest[];
}

/**
 * A core with only `host`, for which every image of a registry stands for this machine, too.
 * @param during what is done while an image is pulled, instead of having it at once
 */
export function pullingCore(
  during: (request: PullRequest, signal?: AbortSignal) => AsyncIterable<PullEvent> | undefined = () =>
    undefined,
): PullingCore {
  const here = ['host'];
  const pulls: PullRequest[] = [];
  const core = hostCore(here);
  const pull: HostCore['images']['pull'] = async function* (request, options) {
    pulls.push(request);
    yield* during(request, options?.signal) ?? core.images.pull({ ...request, credentials: undefined });
    here.push(request.reference);
  };
  return { here, pulls, core: { ...core, images: { ...core.images, pull } } };
}
