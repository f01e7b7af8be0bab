import type { CoreApi } from '../../core/api/core-api.ts';
import type { Here } from './here.ts';

/**
 * A core in this very process, on the local core's root or another one. Closing it ends it; its sandboxes live on.
 * @throws conflict when a core runs on that root
 */
export async function connectEmbedded(root: string | undefined, here: Here): Promise<CoreApi> {
  const [{ localCore }, { openEmbeddedCore }] = await Promise.all([
    import('../local/daemon/find.ts'),
    import('../local/serve/embedded-core.ts'),
  ]);
  return openEmbeddedCore(localCore(here, here.packageRoot, root), here.version);
}
