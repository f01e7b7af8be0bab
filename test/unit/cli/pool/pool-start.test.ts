import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { PoolInstance } from '../../../../src/core/model/pool/pool.ts';
import { type CommandLine, startCommandLine } from '../../../helpers/cli/command-line.ts';
import { poolWith, shapeRow, type WarmingCore, warmingCore } from '../../../helpers/cli/warming-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const host = shapeRow({ image: 'host', warm: 2 });
const python = shapeRow({ image: 'python:3', warm: 1 });
const cold = poolWith([host, python]);
const half = poolWith([{ ...host, idle: 1 }, python]);
const warm = poolWith([
  { ...host, idle: 2 },
  { ...python, idle: 1 },
]);

const start = (world: WarmingCore, line = 'pool start', options = {}): CommandLine =>
  startCommandLine(line.split(' '), { core: world.core, input: '', ...options });

describe('pool start', () => {
  it('says how far it is at every change, and prints the pool when it is warm', async () => {
    const world = warmingCore(cold);
    const line = start(world);
    await line.stderr.until('host 0/2, python:3 0/1');
    world.becomes(cold);
    world.becomes(half);
    await line.stderr.until('host 1/2');
    expect(line.stdout.text).toBe('');
    world.becomes(warm);
    expect(await line.code).toBe(0);
    expect(line.stderr.text).toMatch(
      /^Warming default-pool: host 0\/2, python:3 0\/1\nWarming .* 1\/2, python:3 0\/1\nWarming .* 2\/2, python:3 1\/1\nPool default-pool is warm after \d+\.\ds\.\n$/,
    );
    expect(line.stdout.text).toMatch(/^NAME .*\ndefault-pool +active +host=2,python:3=1 +3 .*\n$/);
    expect(world.readers).toBe(0);
  });

  it('rewrites one line on a terminal, and takes it away in the end', async () => {
    const world = warmingCore(cold);
    const line = start(world, 'pool start', { tty: true });
    await line.stderr.until('host 0/2');
    world.becomes(warm);
    await line.code;
    const clear = '\r\u001b[K';
    expect(line.stderr.text.split(clear)).toEqual([
      '',
      'Warming default-pool: host 0/2, python:3 0/1',
      'Warming default-pool: host 2/2, python:3 1/1',
      expect.stringMatching(/^Pool default-pool is warm after .*\n$/),
    ]);
  });

  it('cuts a line that would wrap on a terminal, and rewrites nothing on a dumb one', async () => {
    const long = poolWith([shapeRow({ image: 'x'.repeat(100), warm: 1, idle: 1 })]);
    const narrow = start(warmingCore(long), 'pool start', { tty: true });
    await narrow.code;
    expect(narrow.stderr.text.split('\r\u001b[K')[1]).toHaveLength(79);
    const dumb = start(warmingCore(warm), 'pool start', { tty: true, env: { TERM: 'dumb' } });
    await dumb.code;
    expect(dumb.stderr.text).not.toContain('\u001b');
  });

  it.each([
    ['-q', 'default-pool\n'],
    ['-o name', 'default-pool\n'],
  ])('prints only the name with %s', async (flags, stdout) => {
    const line = start(warmingCore(warm), `pool start ${flags}`);
    expect([await line.code, line.stdout.text]).toEqual([0, stdout]);
  });

  it('says nothing on stderr with -q and with -o json, which prints one object', async () => {
    const quiet = start(warmingCore(warm), 'pool start -q');
    await quiet.code;
    const json = start(warmingCore(warm), 'pool start -o json');
    await json.code;
    expect([quiet.stderr.text, json.stderr.text]).toEqual(['', '']);
    expect(JSON.parse(json.stdout.text)).toMatchObject({ name: 'default-pool', idle: 3, state: 'active' });
  });

  it('asks for what the flags say, makes the pool active, and closes its breakers', async () => {
    const world = warmingCore(warm);
    await start(world, 'pool start --image host --warm python:3=4,node:20=0 --ttl 90s --lease-ttl 5m').code;
    expect(world.changes).toEqual([
      {
        policy: {
          warm: [{ image: 'host' }, { image: 'python:3', count: 4 }, { image: 'node:20', count: 0 }],
          ttl: '90000ms',
          lease_ttl: '300000ms',
        },
        start: true,
        reset: true,
      },
    ]);
  });

  it('returns at once with --no-wait, and reads no events', async () => {
    const world = warmingCore(cold);
    const line = start(world, 'pool start --no-wait');
    expect([await line.code, line.stderr.text]).toEqual([0, '']);
    expect(line.stdout.text).toContain('default-pool');
    expect(world.readers).toBe(0);
  });

  it.each([
    ['its instances do not boot', { breaker: 'runc: no space left' }, 125, 'host: runc: no space left'],
    ['an image is not here', { shape: '', breaker: 'it is not here' }, 3, 'host: it is not here'],
  ])('fails with the reason when %s', async (_, problem, code, reason) => {
    const world = warmingCore(cold);
    const line = start(world);
    await line.stderr.until('0/2');
    world.becomes(poolWith([{ ...host, ...problem }, python]));
    expect([await line.code, line.stdout.text]).toEqual([code, '']);
    expect(line.stderr.text).toContain(`Error: cannot warm pool default-pool: image ${reason}\nHint: `);
    expect(world.readers).toBe(0);
  });

  it('stops waiting at ctrl-C, and nothing else', async () => {
    const world = warmingCore(cold);
    const line = start(world);
    await line.stderr.until('0/2');
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
    expect(line.stderr.text).toContain(
      'Pool default-pool goes on warming: fsb-ctl pool status default-pool\n',
    );
    expect(world.changes).toHaveLength(1);
    expect(world.readers).toBe(0);
  });

  it('stops waiting when its time is up', async () => {
    const clock = createManualClock();
    const line = start(warmingCore(cold), 'pool start --timeout 5s', { clock });
    await line.stderr.until('0/2');
    await clock.advance(5000);
    expect(await line.code).toBe(124);
    expect(line.stderr.text).toContain('goes on warming');
  });

  describe('when everything is in use', () => {
    const claimed = (id: string, holder: string): PoolInstance => ({
      ...{ id, holder, shape: 'shape-host', image: 'host', state: 'claimed', pid: 1, age: 0 },
    });
    const full = {
      ...poolWith([{ ...host, claimed: 2 }], { capacity: { max: 2 } }),
      instances: [claimed('i1', 'lease l1'), claimed('i2', 'sandbox default/box')],
    };
    const reason = 'Error: pool default-pool is not warm: host 0/2, waiting for room: 2 of at most 2';

    it('gives up at its --timeout, and says who has the room', async () => {
      const clock = createManualClock();
      const line = start(warmingCore(full), 'pool start --timeout 5s', { clock });
      await line.stderr.until('0/2');
      await clock.advance(5000);
      expect(await line.code).toBe(5);
      for (const text of [reason, 'lease l1, sandbox default/box', 'goes on warming'])
        expect(line.stderr.text).toContain(text);
    });

    it('gives up after two minutes in which nothing moved', async () => {
      const clock = createManualClock();
      const world = warmingCore(cold);
      const line = start(world, 'pool start', { clock });
      await line.stderr.until('0/2');
      await clock.advance(119_000);
      world.becomes(full);
      await line.stderr.until('waiting for room');
      await clock.advance(119_000);
      expect(line.stderr.text).not.toContain('Error');
      await clock.advance(1000);
      expect(await line.code).toBe(5);
      for (const text of [reason, 'goes on warming']) expect(line.stderr.text).toContain(text);
      expect(world.readers).toBe(0);
    });
  });

  it('gives up after two minutes in which nothing moved, whatever the reason is', async () => {
    const clock = createManualClock();
    const world = warmingCore(cold);
    const line = start(world, 'pool start', { clock });
    await line.stderr.until('0/2');
    await clock.advance(119_999);
    world.becomes(cold);
    await clock.advance(1);
    expect(await line.code).toBe(124);
    expect(line.stderr.text).toContain('Error: pool default-pool is not warm: host 0/2, python:3 0/1');
    expect(world.readers).toBe(0);
  });

  it('sees what became warm before its events were heard', async () => {
    const clock = createManualClock();
    const world = warmingCore(cold);
    const line = start(world, 'pool start', { clock });
    await line.stderr.until('host 0/2');
    world.becomes(warm, 'unheard');
    await clock.advance(1000);
    expect(await line.code).toBe(0);
    expect(line.stderr.text).toContain('Pool default-pool is warm after');
    expect(clock.pending).toBe(0);
  });

  it('says so when the core goes away', async () => {
    const { core } = warmingCore(cold);
    const gone = new FsbError('unavailable', 'the core has gone');
    const world = warmingCore(cold);
    world.core = {
      ...core,
      system: {
        ...core.system,
        // biome-ignore lint/correctness/useYield: a stream that fails before its first event
        events: async function* () {
          throw gone;
        },
      },
    };
    const line = start(world);
    expect(await line.code).toBe(6);
    expect(line.stderr.text).toContain('Error: the core has gone');
  });
});
