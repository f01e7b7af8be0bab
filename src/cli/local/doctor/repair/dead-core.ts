import { access, readdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { leftInstances } from '../../../../core/runtime/oci/left-instances.ts';
import { ociDirectories } from '../../../../core/runtime/oci/oci-paths.ts';
import type { LocalCore } from '../../daemon/local-core.ts';
import { openEmbeddedCore } from '../../serve/embedded-core.ts';
import type { FindFaults } from './fault.ts';

/**
 * What a core that was killed has left. The next core would put it right when it starts; so a core is started for that,
 * in this process, and ended again. Sandboxes that run live on.
 */
export const leftByDeadCore: FindFaults = async (local, { running, version }) => {
  if (running) return [];
  const left = [await leftFiles(local), await leftOfInstances(local), await leftTrash(local)].flat();
  if (left.length === 0) return [];
  const fix = (): Promise<void> => cleanUp(local, version);
  return [{ remedy: `clean up what a dead core has left: ${left.join(', ')}`, fix }];
};

async function cleanUp(local: LocalCore, version: string): Promise<void> {
  // It has the lock of the root: nobody else can be listening.
  await using _ = await openEmbeddedCore(local, version);
  for (const socket of [local.paths.grpcSocket, local.paths.httpSocket]) await rm(socket, { force: true });
}

async function leftFiles({ paths }: LocalCore): Promise<string[]> {
  const found: string[] = [];
  for (const file of [paths.grpcSocket, paths.httpSocket, paths.status])
    await access(file).then(
      () => found.push(basename(file)),
      () => {},
    );
  return found;
}

async function leftOfInstances({ paths }: LocalCore): Promise<string[]> {
  // The files of an ended sandbox are no fault: it may be started again.
  const left = await leftInstances(paths.run, paths.state, 'runc');
  const dead = left.filter(({ alive, onlyFiles }) => !alive && !onlyFiles).length;
  return dead === 0 ? [] : [`${dead} dead ${dead === 1 ? 'instance' : 'instances'}`];
}

async function leftTrash({ paths }: LocalCore): Promise<string[]> {
  const { trash } = ociDirectories(paths.run, paths.state, 'runc');
  const { length } = await readdir(trash).catch(() => []);
  return length === 0 ? [] : [`${length} old writable ${length === 1 ? 'layer' : 'layers'}`];
}
