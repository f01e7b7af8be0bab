import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { ImageDetails } from '../../core/model/image/image.ts';
import type { Sandbox, SandboxRef } from '../../core/model/sandbox/sandbox.ts';

/** What a name that docker has for both means. */
export type Inspected = { sandbox: Sandbox } | { image: ImageDetails };

interface Ground {
  core: Pick<CoreApi, 'sandboxes' | 'images'>;
  /** @throws invalid_argument for what no sandbox can be called */
  refOf(name: string): SandboxRef;
  call: CallOptions;
}

/**
 * As docker inspect: the sandbox of that name, else the image.
 * @param kind where only one of the two is meant
 * @throws not_found, image_not_found; invalid_argument for what is no name of either
 */
export async function sandboxOrImage(
  name: string,
  kind: 'sandbox' | 'image' | undefined,
  { core, refOf, call }: Ground,
): Promise<Inspected> {
  const imageCalled = async (): Promise<Inspected> => ({ image: await core.images.inspect(name, call) });
  if (kind === 'image') return imageCalled();
  try {
    return { sandbox: await core.sandboxes.get(refOf(name), call) };
  } catch (thrown) {
    const noSandbox = FsbError.from(thrown);
    if (kind === 'sandbox' || !['not_found', 'invalid_argument'].includes(noSandbox.code)) throw thrown;
    return imageCalled().catch((error: unknown) => {
      throw neither(name, noSandbox, FsbError.from(error));
    });
  }
}

function neither(name: string, noSandbox: FsbError, noImage: FsbError): FsbError {
  // It can be only the name of the other one, or of none: then what it was meant for is known by its parts.
  if (noImage.code === 'invalid_argument') return /[:/@]/.test(name) ? noImage : noSandbox;
  if (noImage.code !== 'image_not_found' || noSandbox.code !== 'not_found') return noImage;
  const near = [noSandbox, noImage].flatMap(({ hint }) => /^Did you mean [^?]+\?/.exec(hint ?? '') ?? []);
  return new FsbError('not_found', `${noSandbox.message}, and ${noImage.message}`, {
    hint: near[0] ?? 'See what there is with: fsb-ctl list -a, fsb-ctl image list',
    cause: noSandbox,
  });
}
