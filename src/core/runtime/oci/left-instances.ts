import type { RuntimeInstance } from '../driver.ts';
import { listInstances } from './list.ts';
import { readCgroupLayout } from './node-facts.ts';
import { type OciRuntimeName, ociDirectories } from './oci-paths.ts';

/** Every instance of which there is anything, seen without a driver: nothing is made, and nothing removed. */
export async function leftInstances(
  runDir: string,
  stateDir: string,
  runtime: OciRuntimeName,
): Promise<RuntimeInstance[]> {
  const directories = ociDirectories(runDir, stateDir, runtime);
  return listInstances({ directories, runtime }, await readCgroupLayout());
}
