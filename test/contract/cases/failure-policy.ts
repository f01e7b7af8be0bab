import { expect, it } from 'vitest';
import type { SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, readRest, type Workbench } from '../workbench.ts';

const AUTO = { failure_policy: 'auto-recreate', recovery_timeout_seconds: 3600 };

export function recoveryCases(bench: Workbench): void {
  it('keeps and changes the policy for a loss; what ends by itself is not recreated', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.shell('exit 3', { ...AUTO, recovery_timeout_seconds: 0 });
    expect(box.spec).toMatchObject({ failure_policy: 'AutoRecreate', recovery_timeout_seconds: 0 });
    expect(await sandboxes.wait(box)).toMatchObject({ code: 3 });
    const { spec } = await sandboxes.update(box, { failurePolicy: 'manual', recoveryTimeoutSeconds: 9 });
    expect(spec).toMatchObject({ failure_policy: 'Manual', recovery_timeout_seconds: 9 });
    expect(await sandboxes.get(box)).toMatchObject({ generation: 1, state: { phase: 'Exited' } });
  });
}

/** @param lose lets a sandbox be lost; only to be called in a case */
export function lossCases(bench: Workbench, lose: (box: SandboxRef) => Promise<void>): void {
  it('a lost sandbox stays, tells when it is recreated, and is recreated once', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.shell('echo begun; exec sleep 1000', AUTO);
    const session = await sandboxes.attach(box, { stdin: false, replay: true });
    await lose(box);
    expect(await errorOf(readRest(session.output[Symbol.asyncIterator]()))).toMatchObject({
      code: 'run_failed',
    });
    expect(await errorOf(session.exited)).toMatchObject({ code: 'run_failed' });
    expect(await errorOf(sandboxes.wait(box))).toMatchObject({
      ...{ code: 'run_failed', hint: expect.stringContaining('recreated') },
    });
    const { state } = await sandboxes.get(box);
    expect(state).toMatchObject({ phase: 'Lost', recreateAt: expect.any(Number) });
    // The log of what was lost is there for as long as that is what the name means, and ends.
    const log: Buffer[] = [];
    for await (const { data } of sandboxes.logs(box, { follow: true, stdout: true, stderr: true }))
      log.push(data);
    expect(Buffer.concat(log).toString()).toBe('begun\n');
    const manual = await sandboxes.update(box, { failurePolicy: 'manual' });
    expect(manual.state).not.toHaveProperty('recreateAt');
    await sandboxes.update(box, { failurePolicy: 'auto', recoveryTimeoutSeconds: 0 });
    for await (const { event, sandbox } of bench.core.system.events({ after: 0, kinds: ['sandbox'] }))
      if (event.type === 'recreated' && sandbox?.name === box.name) break;
    const again = await sandboxes.get(box);
    expect(again).toMatchObject({ name: box.name, generation: 2, state: { phase: 'Running' } });
    expect(again.id).not.toBe(box.id);
    expect((await bench.run(box, 'echo here')).stdout.toString()).toBe('here\n');
  });

  it('a lost sandbox is not recreated once it is stopped, started or deleted', async () => {
    const { sandboxes } = bench.core;
    const box = await bench.idle(AUTO);
    await lose(box);
    expect((await sandboxes.stop(box)).state).not.toHaveProperty('recreateAt');
    expect(await sandboxes.start(box)).toMatchObject({ generation: 2, state: { phase: 'Running' } });
    await lose(box);
    const { state } = await sandboxes.get(box);
    expect(state).toMatchObject({ recreateAt: expect.any(Number) });
    await sandboxes.delete(box);
    expect(await errorOf(sandboxes.get(box))).toMatchObject({ code: 'not_found' });
  });
}
