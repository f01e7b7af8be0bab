import { expect, it } from 'vitest';
import { errorOf, family, readRest, readUntil, type Workbench } from '../workbench.ts';

export function lifecycleCases(bench: Workbench): void {
  it('creates a sandbox that runs, with everything that was asked for', async () => {
    const made = await bench.idle({
      envs: { GREETING: 'grüß dich', EMPTY: '' },
      labels: { team: 'a' },
      ttl: '1h30m',
      resources: { cpus: 0.5, memory: '128m' },
      grace_period: 500,
    });
    expect(made).toMatchObject({ namespace: bench.namespace, generation: 1, state: { phase: 'Running' } });
    expect(made.id).toMatch(/^[0-9a-f]{32}$/);
    expect(made.spec).toMatchObject({
      image: 'host',
      envs: { GREETING: 'grüß dich', EMPTY: '' },
      labels: { team: 'a' },
      ttl: 5_400_000,
      resources: { cpus: 0.5, memory: 128 * 1024 * 1024, pids: 256 },
      network: 'none',
      failure_policy: 'Manual',
      grace_period: 500_000,
    });
    expect(made.expiresAt).toBeGreaterThan(made.createdAt);
    const { id, spec, createdAt } = await bench.core.sandboxes.get(made);
    expect({ id, spec, createdAt }).toEqual({ id: made.id, spec: made.spec, createdAt: made.createdAt });
  });

  it('gives a name to a sandbox that has none', async () => {
    const spec = { image: 'host', command: ['sleep', '1000'] };
    const made = await bench.core.sandboxes.create({ namespace: bench.namespace, name: '', spec });
    expect(made.name).toMatch(/^sb-[0-9a-f]+$/);
  });

  it('refuses a name that is taken, and lets it be used again at once after a delete', async () => {
    const first = await bench.idle();
    const again = {
      namespace: first.namespace,
      name: first.name,
      spec: { image: 'host', command: ['sleep', '9'] },
    };
    const error = await errorOf(bench.core.sandboxes.create(again));
    expect(error.code).toBe('already_exists');
    expect(error.message).toContain(first.name);
    await bench.core.sandboxes.delete(first, { grace: 0 });
    const second = await bench.core.sandboxes.create(again);
    expect(second.id).not.toBe(first.id);
  });

  it('refuses wrong specs with the reason and a hint', async () => {
    const spec = { image: 'host', comand: ['true'] } as unknown as { image: string };
    const unknownKey = await errorOf(bench.core.sandboxes.create({ ...bench.ref(), spec }));
    expect(unknownKey).toMatchObject({ code: 'invalid_argument', hint: 'Did you mean command?' });
    expect(unknownKey.message).toContain('unknown key comand');
    const wrongPort = { image: 'host', exposed_ports: [70_000] };
    const outOfRange = await errorOf(bench.core.sandboxes.create({ ...bench.ref(), spec: wrongPort }));
    expect(outOfRange.code).toBe('invalid_argument');
    expect(outOfRange.message).toContain('exposed_ports');
    const wrongName = { namespace: bench.namespace, name: 'No Name', spec: { image: 'host' } };
    expect(await errorOf(bench.core.sandboxes.create(wrongName))).toMatchObject({
      code: 'invalid_argument',
      hint: expect.stringContaining('lower-case'),
    });
  });

  it('says that an image is not there', async () => {
    const spec = { image: 'no-such-image', command: ['true'] };
    const error = await errorOf(bench.core.sandboxes.create({ ...bench.ref(), spec }));
    expect(error).toMatchObject({
      code: 'image_not_found',
      message: expect.stringContaining('no-such-image'),
    });
    expect(error.hint).toBeTruthy();
  });

  it('says not_found for a sandbox that does not exist, whatever the call', async () => {
    const { sandboxes } = bench.core;
    const ref = { namespace: bench.namespace, name: 'nobody' };
    const follow = { follow: true, stdout: true, stderr: true };
    const calls = [
      sandboxes.get(ref),
      sandboxes.delete(ref),
      sandboxes.wait(ref),
      sandboxes.stop(ref),
      sandboxes.start(ref),
      sandboxes.restart(ref),
      sandboxes.reset(ref),
      sandboxes.pause(ref),
      sandboxes.unpause(ref),
      sandboxes.signal(ref, 9),
      sandboxes.rename(ref, 'another'),
      sandboxes.update(ref, { labels: { a: 'b' } }),
      bench.exec(ref, ['true']),
      sandboxes.attach(ref, { stdin: false, replay: true }),
      sandboxes.logs(ref, follow)[Symbol.asyncIterator]().next(),
    ];
    // All of them at once: each may be refused before those that stand before it.
    for (const error of await Promise.all(calls.map(errorOf)))
      expect(error).toMatchObject({
        code: 'not_found',
        message: expect.stringContaining('nobody'),
      });
  });

  it('says invalid_argument to a call that names nothing', async () => {
    const { sandboxes, pools } = bench.core;
    const ref = { namespace: bench.namespace, name: '' };
    const calls: Record<string, Promise<unknown>[]> = {
      sandbox: [
        sandboxes.get(ref),
        sandboxes.delete(ref),
        sandboxes.stop(ref),
        sandboxes.reset(ref),
        sandboxes.update(ref, { labels: { a: 'b' } }),
        sandboxes.rename(ref, 'another'),
      ],
      pool: [pools.get(''), pools.delete(''), pools.stop(''), pools.update('', {})],
      lease: [pools.kill(''), pools.release('')],
    };
    const errors = Object.entries(calls).flatMap(([what, some]) =>
      some.map(async (call) =>
        expect(await errorOf(call)).toMatchObject({
          code: 'invalid_argument',
          message: `no ${what} is named`,
        }),
      ),
    );
    await Promise.all(errors);
  });

  it('lists by namespace, label and phase, sorted by name', async () => {
    const marked = [
      await bench.idle({ labels: { set: 'x', n: '1' } }),
      await bench.idle({ labels: { set: 'x' } }),
    ];
    const { namespace } = bench;
    const names = async (query: object): Promise<string[]> =>
      (await bench.core.sandboxes.list({ namespace, ...query })).map(({ name }) => name);
    expect(await names({ labels: { set: 'x' } })).toEqual(marked.map(({ name }) => name).sort());
    expect(await names({ labels: { set: 'x', n: '1' } })).toEqual([marked[0]!.name]);
    expect(await names({ labels: { set: 'x' }, phases: ['Exited'] })).toEqual([]);
    expect(await names({ namespace: 'another-one' })).toEqual([]);
    const everywhere = await bench.core.sandboxes.list({ labels: { set: 'x' } });
    expect(everywhere.map(({ id }) => id).sort()).toEqual(marked.map(({ id }) => id).sort());
  });

  it('waits for the end and tells the true status', async () => {
    const { sandboxes } = bench.core;
    const failing = await bench.shell('sleep 0.1; exit 7');
    expect(await sandboxes.wait(failing)).toMatchObject({ code: 7, signal: null });
    expect(await sandboxes.wait(failing)).toMatchObject({ code: 7, signal: null });
    const killed = await bench.shell('kill -9 $$');
    expect(await sandboxes.wait(killed)).toMatchObject({ code: null, signal: 9 });
    expect((await sandboxes.get(failing)).state).toMatchObject({
      phase: 'Exited',
      status: { code: 7, signal: null },
    });
  });

  it('asks the main process alone to end, and ends its children with it', async () => {
    const box = await bench.shell(family('TERM'));
    const session = await bench.core.sandboxes.attach(box, { stdin: false, replay: true });
    const output = session.output[Symbol.asyncIterator]();
    await readUntil(output, 'up\n');
    const deleted = bench.core.sandboxes.delete(box, { grace: 60_000 });
    expect(await readRest(output)).toBe('main\n');
    expect(await session.exited).toMatchObject({ code: 3, signal: null });
    await session.close();
    await deleted;
  });

  it('deletes a sandbox that ignores SIGTERM', async () => {
    const stubborn = await bench.shell('trap "" TERM; while :; do sleep 0.1; done');
    await bench.core.sandboxes.delete(stubborn, { grace: 50 });
    expect(await errorOf(bench.core.sandboxes.get(stubborn))).toMatchObject({ code: 'not_found' });
  });

  it('cancels a call, and keeps apart who ended it', async () => {
    const box = await bench.idle();
    const cancel = new AbortController();
    const waiting = errorOf(bench.core.sandboxes.wait(box, { signal: cancel.signal }));
    cancel.abort();
    expect(await waiting).toMatchObject({ code: 'cancelled' });
    const late = errorOf(bench.core.sandboxes.wait(box, { signal: AbortSignal.timeout(50) }));
    expect(await late).toMatchObject({ code: 'timeout' });
    expect(await errorOf(bench.core.sandboxes.wait(box, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'cancelled',
    });
    expect((await bench.core.sandboxes.get(box)).state.phase).toBe('Running');
  });
}
