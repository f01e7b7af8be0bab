import type { ImageStore } from '../../image/image-store.ts';
import { noop } from '../../model/async/noop.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { RuntimeDriver } from '../../runtime/driver.ts';
import { KeptFiles } from './kept-files.ts';
import type { Ledger } from './ledger.ts';
import { NodeNetwork } from './node-network.ts';

/**
 * The runtime driver with the ledger and the image holds around it: a record is durable before anything is booted and
 * goes after everything is destroyed, and an image stays while an instance, or what was written in one, needs it.
 */
export interface RecordingDriver {
  /** The driver for the instances of one pool, which its records name. */
  forPool(pool: string): RuntimeDriver;
  /** Whatever pool they belong to. */
  list: RuntimeDriver['list'];
  destroy: RuntimeDriver['destroy'];
  /** Takes up the hold of an instance that lived before this core. */
  holdImage(id: string, digest: string): void;
  readonly files: KeptFiles;
  readonly nodeNetwork: NodeNetwork;
}

export function recordingDriver(
  inner: RuntimeDriver,
  ledger: Pick<Ledger, 'add' | 'get' | 'used' | 'remove'>,
  images: Pick<ImageStore, 'hold'>,
): RecordingDriver {
  const nodeNetwork = new NodeNetwork();
  const holds = new Map<string, () => void>();
  const holdImage = (id: string, digest: string): void => {
    if (!holds.has(id)) holds.set(id, images.hold(digest));
  };
  const release = async (id: string): Promise<void> => {
    holds.get(id)?.();
    holds.delete(id);
    await ledger.remove(id);
  };
  const destroyAll = async (id: string): Promise<void> => {
    failpoint('destroy.begun');
    await inner.destroy(id);
    nodeNetwork.left(id);
    failpoint('destroy.removed');
    await release(id);
  };
  const files = new KeptFiles({ ledger, remove: destroyAll });
  const destroy = async (id: string): Promise<void> => {
    if (!files.has(id)) return destroyAll(id);
    failpoint('keep.begun');
    await inner.destroy(id, { keepFiles: true });
    nodeNetwork.left(id);
    failpoint('keep.removed');
    await files.settle(id);
    failpoint('keep.settled');
  };
  const forPool = (pool: string): RuntimeDriver => ({
    name: inner.name,
    probe: () => inner.probe(),
    async boot(request, signal) {
      holdImage(request.id, request.shape.image);
      try {
        await ledger.add(request.id, { shape: request.shape, pool });
        failpoint('boot.recorded');
        const booted = await inner.boot(request, signal);
        nodeNetwork.joined(request.id, request.shape);
        return booted;
      } catch (error) {
        // A record that cannot go now is left to the janitor: how the boot failed is what there is to report.
        if (!files.has(request.id)) await release(request.id).catch(noop);
        throw error;
      }
    },
    pause: (id) => inner.pause(id),
    resume: (id) => inner.resume(id),
    update: (id, resources) => inner.update(id, resources),
    stats: (id) => inner.stats(id),
    kill: (id) => inner.kill(id),
    destroy,
    list: () => inner.list(),
  });
  return { forPool, list: () => inner.list(), destroy, holdImage, files, nodeNetwork };
}
