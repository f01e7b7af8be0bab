import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import type { EventLog } from '../events/event-log.ts';
import type { LocalImageStore } from '../image/image-store.ts';
import { createImageStore } from '../image/local-image-store.ts';
import { createRegistries } from '../image/registry/client.ts';
import { Launcher } from '../runtime/oci/launcher/launcher.ts';
import type { NodeOptions } from './node-options.ts';

export interface ImageParts extends Pick<NodeOptions, 'paths' | 'guestDirectory' | 'clock' | 'log'> {
  events: EventLog;
}

/** The images of this machine, and the way to registries. */
export async function openImages(
  { paths, guestDirectory, events, clock, log }: ImageParts,
  cleanup: Cleanup,
): Promise<LocalImageStore> {
  const registries = createRegistries({ file: paths.registries, env: process.env, log, clock });
  cleanup.add('registries', () => registries.close());
  const launcher = new Launcher(join(guestDirectory, 'fsb-launch'), clock);
  cleanup.add('launcher of the image store', () => launcher.close());
  const images = await createImageStore({
    stateDir: paths.state,
    registries,
    launch: (words, terms) => launcher.run(words, terms),
    happened: (happening) => events.append(happening),
    log,
    clock,
  });
  cleanup.add('images', async () => {
    // First, so that no pull waits for a server: the store waits for its pulls.
    await registries.close();
    await images.close();
  });
  return images;
}
