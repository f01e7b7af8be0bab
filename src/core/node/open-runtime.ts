import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import { FsbError } from '../model/failure/errors.ts';
import type { RuntimeProbe } from '../runtime/driver.ts';
import { createOciDriver, type OciDriver } from '../runtime/oci/oci-driver.ts';
import type { NodeOptions } from './node-options.ts';

/** @throws run_failed when nothing boots sandboxes here */
export async function openRuntime(
  { paths, guestDirectory, clock, log }: Pick<NodeOptions, 'paths' | 'guestDirectory' | 'clock' | 'log'>,
  cleanup: Cleanup,
): Promise<{ driver: OciDriver; probe: RuntimeProbe }> {
  const driver = createOciDriver({
    runtime: 'runc',
    initBinary: join(guestDirectory, 'fsb-init'),
    launchBinary: join(guestDirectory, 'fsb-launch'),
    stateDir: paths.state,
    runDir: paths.run,
    log,
    clock,
  });
  cleanup.add('runtime driver', () => driver.close());
  const probe = await driver.probe();
  if (probe.available) return { driver, probe };
  throw new FsbError('run_failed', `no runtime to boot sandboxes with: ${probe.name}: ${probe.problem}`, {
    hint: `${probe.hint} See all of it with: fsb-ctl doctor`,
  });
}
