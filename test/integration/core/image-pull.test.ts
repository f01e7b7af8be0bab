import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import { execOf, finish } from '../../contract/workbench.ts';
import { makeRoot, type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { busyboxImage } from '../../helpers/image/busybox-image.ts';
import { layoutFiles } from '../../helpers/image/image-files.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';

let registry: TestRegistry;
let front: FaultProxy;
let core: RealCore;

beforeEach(async () => {
  registry = await startRegistry();
  front = await startFaultProxy(registry.url);
  const root = await makeRoot();
  const settings = { registries: { [front.address]: { insecure: true } } };
  await writeFile(join(root, 'registries.yaml'), JSON.stringify(settings));
  core = await startRealCore({ root, pool: { warm: [], queue: { timeout: '2m' } } });
});

afterEach(async () => {
  await core.close();
  await front.stop();
  await registry.stop();
});

it('two hundred who want to run a missing image pull it once, and all of them run', {
  timeout: 180_000,
}, async () => {
  await pushImage(registry, 'team/tool', layoutFiles([await busyboxImage({ name: undefined })]), '1');
  const image = `${front.address}/team/tool:1`;
  const { pools, images } = core.remote;
  const run = (): Promise<ProcessSession> =>
    pools.run({ pool: 'default-pool', image, exec: execOf(['echo', 'hi']) });
  /** As the command line does it. */
  const pullAndRun = async (): Promise<string> => {
    const session = await run().catch(async (error: unknown) => {
      if (FsbError.from(error).code !== 'image_not_found') throw error;
      for await (const _ of images.pull({ reference: image }));
      return run();
    });
    return (await finish(session)).stdout.toString();
  };
  const outputs = await Promise.all(Array.from({ length: 200 }, pullAndRun));
  expect(new Set(outputs)).toEqual(new Set(['hi\n']));
  // Two layers and the configuration.
  expect(front.count(/GET .*\/blobs\//)).toBe(3);
});
