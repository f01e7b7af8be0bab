import { bootInstance } from '../../../src/core/instance/boot-instance.ts';
import type { Instance } from '../../../src/core/instance/instance.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import type { RootFilesystem } from '../../../src/core/model/image/image.ts';
import type { Shape } from '../../../src/core/model/sandbox/shape.ts';
import type { RuntimeDriver } from '../../../src/core/runtime/driver.ts';
import { createFixture } from '../../integration/runtime/oci-fixture.ts';
import { openChannel } from '../guest/open-channel.ts';
import { createFakeDriver } from './fake-driver.ts';
import { shapeOf } from './pool-world.ts';

/** Real guests: a bare fsb-init in a pid namespace, or a whole sandbox of runc. */
export interface Booter {
  driver: RuntimeDriver;
  shape: Shape;
  boot(shape: Shape, signal?: AbortSignal): Promise<Instance>;
  /** Expects that nothing is left on this machine, and removes its own directory. */
  close(): Promise<string[]>;
}

export const booters: [string, () => Promise<Booter>][] = [
  ['a bare fsb-init', bareBooter],
  ['a sandbox of runc', runcBooter],
];

async function bareBooter(): Promise<Booter> {
  const fake = createFakeDriver({ guest: 'process' });
  return {
    ...booterOf(fake.driver, shapeOf('host')),
    async close() {
      const left = fake.instances.map((id) => `instance ${id}`);
      await fake.close();
      return left;
    },
  };
}

async function runcBooter(): Promise<Booter> {
  const fixture = await createFixture();
  return {
    ...booterOf(fixture.driver, fixture.shape(), fixture.root),
    async close() {
      const left = await fixture.leftovers();
      await fixture.close();
      return left;
    },
  };
}

function booterOf(
  driver: RuntimeDriver,
  shape: Shape,
  root: RootFilesystem = { overlays: [] },
): Omit<Booter, 'close'> {
  return {
    driver,
    shape,
    boot: (of, signal) =>
      bootInstance(
        driver,
        openChannel,
        { id: newInstanceId(), shape: of, root },
        { clock: systemClock, signal },
      ),
  };
}
