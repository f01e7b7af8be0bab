import type { ImageStore } from '../image/image-store.ts';
import type { RuntimeDriver } from '../runtime/driver.ts';
import type { RecordTable } from '../store/store.ts';
import type { InstanceRecord } from './records.ts';

/**
 * The runtime driver with the ledger and the image holds around it: a record is durable before anything is booted and
 * goes after everything is destroyed, and an image stays while an instance uses it.
 */
export interface RecordingDriver {
  driver: RuntimeDriver;
  /** Takes up the hold of an instance that lived before this core. */
  holdImage(id: string, digest: string): void;
}

export function recordingDriver(
  inner: RuntimeDriver,
  ledger: RecordTable<InstanceRecord>,
  images: ImageStore,
): RecordingDriver {
  const holds = new Map<string, () => void>();
  const holdImage = (id: string, digest: string): void => {
    if (!holds.has(id)) holds.set(id, images.hold(digest));
  };
  const release = async (id: string): Promise<void> => {
    holds.get(id)?.();
    holds.delete(id);
    await ledger.remove(id);
  };
  const driver: RuntimeDriver = {
    name: inner.name,
    probe: () => inner.probe(),
    async boot(request, signal) {
      holdImage(request.id, request.shape.image);
      try {
        await ledger.put(request.id, { shape: request.shape });
        return await inner.boot(request, signal);
      } catch (error) {
        await release(request.id);
        throw error;
      }
    },
    pause: (id) => inner.pause(id),
    resume: (id) => inner.resume(id),
    update: (id, resources) => inner.update(id, resources),
    stats: (id) => inner.stats(id),
    kill: (id) => inner.kill(id),
    async destroy(id) {
      await inner.destroy(id);
      await release(id);
    },
    list: () => inner.list(),
  };
  return { driver, holdImage };
}
