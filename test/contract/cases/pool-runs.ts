import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { LeaseRequest } from '../../../src/core/api/pool-api.ts';
import type { ErrorBody } from '../../../src/core/model/failure/errors.ts';
import { errorOf, execOf, finish, readUntil, type Workbench } from '../workbench.ts';

/** One-shot runs. */
export function poolRunCases(bench: Workbench): void {
  it('runs one command, with its output, environment, directory and exit code', async () => {
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 1 }] });
    const exec = { env: { GREETING: 'grüß dich' }, cwd: '/tmp' };
    const script = 'echo "$GREETING"; pwd; echo err >&2; exit 7';
    const { stdout, stderr, status } = await bench.once(name, script, { exec });
    expect([stdout.toString(), stderr.toString()]).toEqual(['grüß dich\n/tmp\n', 'err\n']);
    expect(status).toMatchObject({ code: 7, signal: null });
  });

  it('runs what the image says when no command is named', async () => {
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 1 }] });
    const exec = { ...execOf([]), stdin: true };
    const session = await bench.core.pools.run({ pool: name, exec });
    await session.write(Buffer.from('echo its shell\n'));
    session.endInput();
    expect((await finish(session)).stdout.toString()).toBe('its shell\n');
  });

  it('passes input on, and its end', async () => {
    const { name } = await bench.pool();
    const session = await bench.start(name, 'cat; echo end', { exec: { stdin: true } });
    await session.write(Buffer.from('hello '));
    await session.write(Buffer.from('world\n'));
    session.endInput();
    expect((await finish(session)).stdout.toString()).toBe('hello world\nend\n');
  });

  it('carries arguments that are longer than a URL, and much output', async () => {
    const { name } = await bench.pool();
    const long = 'x'.repeat(100_000);
    const script = `head -c 3000000 /dev/zero | tr "\\0" y; printf ${long}`;
    const { stdout } = await bench.once(name, script);
    const expected = Buffer.concat([Buffer.alloc(3_000_000, 'y'), Buffer.from(long)]);
    expect(stdout.length).toBe(expected.length);
    expect(createHash('sha256').update(stdout).digest('hex')).toBe(
      createHash('sha256').update(expected).digest('hex'),
    );
  });

  it('tells the signal that ended it', async () => {
    const { name } = await bench.pool();
    expect((await bench.once(name, 'kill -9 $$')).status).toMatchObject({ code: null, signal: 9 });
    const session = await bench.start(name, 'echo ready; while :; do sleep 1000; done');
    await readUntil(session.output[Symbol.asyncIterator](), 'ready');
    session.signal(9);
    expect(await session.exited).toMatchObject({ code: null, signal: 9 });
    await session.close();
  });

  it('takes what the instance is to be booted with', async () => {
    const { name } = await bench.pool({ capacity: { max: 2 } });
    const terms = {
      image: 'host',
      resources: { cpus: 0.5, memory: '96m', pids: 64 },
      network: 'none',
    } as const;
    expect((await bench.once(name, 'echo one', terms)).stdout.toString()).toBe('one\n');
    const mounts = [{ source: '/usr/bin', target: '/mnt', read_only: true }];
    const more = { ...terms, mounts, onEmpty: 'boot', wait: 20_000 } as const;
    expect((await bench.once(name, 'echo two', more)).stdout.toString()).toBe('two\n');
    const shapes = await bench.core.pools.status(name);
    expect(new Set(shapes.map(({ shape }) => shape)).size).toBe(shapes.length);
    expect(shapes.filter(({ misses }) => misses === 1)).toHaveLength(2);
  });

  it('says when a command is not there, and gives the instance back', async () => {
    const { name } = await bench.pool();
    const call = bench.core.pools.run({ pool: name, exec: execOf(['no-such-command-at-all']) });
    expect(await errorOf(call)).toMatchObject({
      code: 'command_not_found',
      message: expect.stringContaining('no-such-command'),
    });
    await bench.until(name, ({ claimed, stopping }) => claimed + stopping === 0);
  });

  it('gives the instance back when its caller has what it wanted', async () => {
    const { name } = await bench.pool({ capacity: { max: 1 } });
    for (const n of [1, 2, 3]) expect((await bench.once(name, `exit ${n}`)).status.code).toBe(n);
    await bench.until(name, ({ claimed, stopping }) => claimed + stopping === 0);
  });

  it('ends what runs when its caller leaves', async () => {
    const { name } = await bench.pool({ capacity: { max: 1 } });
    const session = await bench.start(name, 'echo started; while :; do sleep 1000; done');
    await readUntil(session.output[Symbol.asyncIterator](), 'started');
    expect(await bench.core.pools.get(name)).toMatchObject({ claimed: 1 });
    await session.close();
    await session.close();
    await bench.until(name, ({ claimed, stopping }) => claimed + stopping === 0);
    expect((await bench.once(name, 'echo next')).stdout.toString()).toBe('next\n');
  });

  it('says no_capacity when there is no room, at once or when the time is over', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({ capacity: { max: 1 } });
    const lease = await pools.lease({ pool: name });
    const calls = [
      bench.start(name, 'true', { onEmpty: 'fail' }),
      bench.start(name, 'true', { onEmpty: 'wait', wait: 50 }),
      bench.start(name, 'true', { wait: 50 }),
      pools.lease({ pool: name, wait: 50 }),
    ];
    for (const error of await Promise.all(calls.map(errorOf)))
      expect(error).toMatchObject({
        code: 'no_capacity',
        message: expect.stringContaining(name),
        hint: expect.any(String),
      });
    const waiting = bench.once(name, 'echo served');
    await bench.untilWaiting(name, 1);
    await pools.release(lease.id);
    expect((await waiting).stdout.toString()).toBe('served\n');
  });

  it('leaves no trace of a caller that gives up waiting', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({ capacity: { max: 1 } });
    const lease = await pools.lease({ pool: name });
    const cancel = new AbortController();
    const request = { pool: name, exec: execOf(['true']) };
    const waiting = errorOf(pools.run(request, { signal: cancel.signal }));
    await bench.untilWaiting(name, 1);
    cancel.abort();
    expect(await waiting).toMatchObject({ code: 'cancelled' });
    await bench.untilWaiting(name, 0);
    expect(await errorOf(pools.run(request, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'cancelled',
    });
    await pools.release(lease.id);
    expect((await bench.once(name, 'echo free')).stdout.toString()).toBe('free\n');
  });

  it('refuses wrong requests with the reason, for runs and for leases', async () => {
    const { name } = await bench.pool();
    const wrong: [Partial<LeaseRequest>, string][] = [
      [{ resources: { cpu: 1 } as object }, 'unknown key resources.cpu'],
      [{ resources: { memory: 'lots' } }, 'resources.memory'],
      [{ resources: { cpus: 0 } }, 'resources.cpus'],
      [{ network: 'bridge' as 'none' }, 'network'],
      [{ mounts: [{ source: 'here', target: '/there' }] }, 'mounts.0.source'],
      [
        { mounts: [{ source: '/a', target: '/b', readonly: true } as never] },
        'unknown key mounts.0.readonly',
      ],
      [{ onEmpty: 'never' as 'fail' }, 'onEmpty'],
      [{ wait: -1 }, 'wait'],
    ];
    const { pools } = bench.core;
    const askedFor = async (terms: Partial<LeaseRequest>): Promise<ErrorBody[]> =>
      Promise.all([bench.start(name, 'true', terms), pools.lease({ pool: name, ...terms })].map(errorOf));
    for (const [terms, problem] of wrong)
      for (const error of await askedFor(terms))
        expect(error).toMatchObject({
          code: 'invalid_argument',
          message: expect.stringContaining(problem),
        });
    for (const error of await askedFor({ image: 'no-such-image' }))
      expect(error).toMatchObject({
        code: 'image_not_found',
        message: expect.stringContaining('no-such-image'),
      });
  });

  it('serves many at once', async () => {
    const { name } = await bench.pool({ capacity: { max: 4 } });
    const runs = Array.from({ length: 12 }, (_, n) => bench.once(name, `echo ${n}; exit ${n}`));
    for (const [n, { stdout, status }] of (await Promise.all(runs)).entries())
      expect([stdout.toString(), status.code]).toEqual([`${n}\n`, n]);
  });
}
