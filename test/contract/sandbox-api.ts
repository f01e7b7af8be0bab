import { afterAll, beforeAll, describe } from 'vitest';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import type { SandboxRef } from '../../src/core/model/sandbox/sandbox.ts';
import { adminCases } from './cases/admin.ts';
import { attachCases } from './cases/attach.ts';
import { execCases } from './cases/exec.ts';
import { lossCases, recoveryCases } from './cases/failure-policy.ts';
import { flowCases } from './cases/flow.ts';
import { imageCases } from './cases/images.ts';
import { lifeCases } from './cases/life.ts';
import { lifecycleCases } from './cases/lifecycle.ts';
import { logCases } from './cases/logs.ts';
import { poolEventCases } from './cases/pool-events.ts';
import { poolLeaseCases } from './cases/pool-leases.ts';
import { poolRunCases } from './cases/pool-runs.ts';
import { poolCases } from './cases/pools.ts';
import { slotCases } from './cases/slots.ts';
import { watchCases } from './cases/watch.ts';
import { Workbench } from './workbench.ts';

export interface CoreUnderTest {
  core: CoreApi;
  /** What befalls its node; left out where `hasNode` is false. */
  node?: {
    /** Lets a running sandbox be lost. */
    lose(box: SandboxRef): Promise<void>;
    /** Stops the node for a second and a half, and does something meanwhile. */
    pause(meanwhile: () => void): Promise<void>;
  };
  /** Frees all that makeCore made. */
  close(): Promise<void>;
}

/**
 * What every CoreApi does, whether it is the controller in this process or a client over a wire. The core needs the
 * image `host` with a POSIX shell and coreutils, and room for a few sandboxes at once.
 *
 *     sandboxApiContract('embedded', async () => { ...; return { core, close }; });
 */
export function sandboxApiContract(
  name: string,
  makeCore: () => Promise<CoreUnderTest>,
  { hasNode = true }: { hasNode?: boolean } = {},
): void {
  describe(`CoreApi contract: ${name}`, () => {
    const bench = new Workbench();
    let made: CoreUnderTest;
    beforeAll(async () => {
      made = await makeCore();
      bench.use(made.core);
    });
    afterAll(async () => {
      await bench.cleanUp();
      await made?.close();
    });
    lifecycleCases(bench);
    lifeCases(bench);
    watchCases(bench);
    execCases(bench);
    attachCases(bench);
    logCases(bench);
    flowCases(bench);
    recoveryCases(bench);
    if (hasNode) {
      lossCases(bench, (box) => made.node!.lose(box));
      slotCases(bench, (meanwhile) => made.node!.pause(meanwhile));
    }
    adminCases(bench);
    imageCases(bench);
    poolCases(bench);
    poolRunCases(bench);
    poolLeaseCases(bench);
    poolEventCases(bench);
  });
}
