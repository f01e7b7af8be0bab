import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { SandboxApi } from '../../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { Sandbox, SandboxUsage } from '../../../../src/core/model/sandbox/sandbox.ts';
import { defaultResources } from '../../../../src/core/model/sandbox/shape.ts';
import { type CommandLineOptions, startCommandLine } from '../../../helpers/cli/command-line.ts';
import { Screen } from '../../../helpers/cli/screen.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const MIB = 2 ** 20;

/** A core whose sandboxes use what the test says; each look takes no time. */
function world() {
  const clock = createManualClock();
  const used = new Map<string, { cpuMicros: number; memory: number; pids: number }>();
  const known = new Set<string>();
  const limits = { ...defaultResources, memory: 512 * MIB };
  const usage = (): SandboxUsage[] =>
    [...used].map(([name, one]) => ({
      ...{ id: `id-${name}`, namespace: 'default', name, time: clock.now(), limits },
      ...one,
    }));
  const sandboxes: Partial<SandboxApi> = {
    get: async ({ name }) => {
      if (known.has(name)) return { name } as Sandbox;
      if (known.has(name.slice('id-'.length))) return { name: name.slice('id-'.length) } as Sandbox;
      throw new FsbError('not_found', `sandbox ${name} does not exist`, { hint: 'Did you mean box?' });
    },
    list: async () =>
      [...known].sort().map((name) => ({ name, namespace: 'default', id: `id-${name}` }) as Sandbox),
    usage: async () => {
      if (state.away) throw new FsbError('unavailable', 'the core is going away');
      return usage();
    },
  };
  const state = { away: false };
  const core = { sandboxes } as CoreApi;
  const use = (name: string, cpuMicros: number, memory = 64 * MIB, pids = 2): void => {
    known.add(name);
    used.set(name, { cpuMicros, memory, pids });
  };
  const start = (line: string, options: CommandLineOptions = {}) =>
    startCommandLine(line.split(' '), { core, clock, input: '', ...options });
  return { clock, use, used, known, start, state };
}

type TestClock = ReturnType<typeof createManualClock>;

/** Resolves when it waits for the next second. */
async function paused(clock: TestClock): Promise<void> {
  while (clock.pending === 0) await setImmediate();
}

/** Lets it come to its next pause, and over it. */
async function second(clock: TestClock): Promise<void> {
  await paused(clock);
  await clock.advance(1_000);
}

describe('stats', () => {
  it('draws over its own table every second, and what ends is gone', async () => {
    const { clock, use, used, start } = world();
    use('box', 0);
    use('job', 1_000_000, 300 * MIB);
    const line = start('stats', { tty: true });
    await line.stdout.until('PIDS');
    const screen = (): string[] => new Screen(80, 24).write(line.stdout.text.replace('\u001b[2J', '')).lines;
    await paused(clock);
    expect(screen()).toEqual([
      'NAME   CPU %   MEM USAGE / LIMIT   MEM %    PIDS',
      'box    --      64MiB / 512MiB      12.50%   2',
      'job    --      300MiB / 512MiB     58.59%   2',
      '',
    ]);
    use('box', 250_000);
    use('job', 2_500_000, 300 * MIB);
    await second(clock);
    await paused(clock);
    expect(screen().slice(1, 3)).toEqual([
      'box    25.00%    64MiB / 512MiB      12.50%   2',
      'job    150.00%   300MiB / 512MiB     58.59%   2',
    ]);
    used.delete('job');
    await second(clock);
    await paused(clock);
    expect(screen().slice(1)).toEqual(['box    0.00%   64MiB / 512MiB      12.50%   2', '']);
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
  });

  it('goes on with the next core, which it waits for', async () => {
    const { clock, use, start, state } = world();
    use('box', 0);
    const line = start('stats');
    await second(clock);
    await line.stdout.until('box ');
    state.away = true;
    for (let seconds = 0; seconds < 3; seconds++) await second(clock);
    expect(line.stderr.text).toBe('The core went away; looking for the next one ...\n');
    const before = line.stdout.text;
    state.away = false;
    await second(clock);
    await paused(clock);
    expect(line.stdout.text.slice(before.length)).toMatch(/^NAME .*\nbox +0\.00%/);
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
  });

  it('ends where no core comes in ten seconds', async () => {
    const { clock, use, start, state } = world();
    use('box', 0);
    const line = start('stats -q');
    await second(clock);
    state.away = true;
    for (let seconds = 0; seconds < 11; seconds++) await second(clock);
    expect(await line.code).toBe(6);
    expect(line.stderr.text).toMatch(/^Error: the core is going away\n/);
  });

  it('draws over nothing on a terminal that cannot', async () => {
    const { clock, use, start } = world();
    use('box', 0);
    const line = start('stats', { tty: true, env: { TERM: 'dumb' } });
    await second(clock);
    await paused(clock);
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
    expect(line.stdout.text).toMatch(/^NAME .*\nbox +0\.00%.*\n$/);
  });

  it('keeps to the width of the terminal', async () => {
    const { clock, use, start } = world();
    use('a-sandbox-with-quite-a-long-name', 0);
    const line = start('stats', { tty: true });
    Object.assign(line.stdout, { columns: 70 });
    await paused(clock);
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
    expect(line.stdout.text).toMatch(/USAGE \/ LIMIT {3}PIDS\S*\na-sandbox-with-quite-a-long-name /);
  });

  it('says once what two looks say, an object for each', async () => {
    const { clock, use, start } = world();
    use('box', 0);
    const line = start('stats --no-stream -o json');
    await paused(clock);
    expect(line.stdout.text).toBe('');
    use('box', 123_456);
    await second(clock);
    expect(await line.code).toBe(0);
    expect(JSON.parse(line.stdout.text)).toEqual({
      ...{ name: 'box', namespace: 'default', id: 'id-box', time: new Date(clock.now()).toISOString() },
      ...{ cpu_percent: 12.35, memory: 64 * MIB, memory_limit: 512 * MIB, memory_percent: 12.5, pids: 2 },
    });
  });

  it('is a document for each in YAML', async () => {
    const { clock, use, start } = world();
    use('a', 0);
    use('b', 0);
    const line = start('stats --no-stream -o yaml');
    await second(clock);
    expect(await line.code).toBe(0);
    const starts = line.stdout.text.split('---\n').map((text) => text.slice(0, 'name: x'.length));
    expect(starts).toEqual(['', 'name: a', 'name: b']);
  });

  it('keeps those that were named, in that order, as long as they are there', async () => {
    const { clock, use, used, known, start } = world();
    use('a', 0);
    use('b', 0);
    use('c', 0);
    const line = start('stats b a');
    await second(clock);
    used.delete('b');
    await second(clock);
    known.delete('a');
    used.delete('a');
    known.delete('b');
    await second(clock);
    expect(await line.code).toBe(0);
    expect(line.stdout.text.split('\n').filter((row) => !row.startsWith('NAME'))).toEqual([
      ...['b      0.00%   64MiB / 512MiB      12.50%   2', 'a      0.00%   64MiB / 512MiB      12.50%   2'],
      ...[
        'b      --      -- / --             --       --',
        'a      0.00%   64MiB / 512MiB      12.50%   2',
        '',
      ],
    ]);
  });

  it('knows those that were named by their ids by their names, each once', async () => {
    const { clock, use, start } = world();
    use('box', 0);
    const line = start('stats --no-stream id-box box id-box');
    await second(clock);
    expect(await line.code).toBe(0);
    expect(line.stdout.text).toMatch(/^NAME .*\nbox +0\.00%.*\n$/);
  });

  it('says of which namespace each is where it shows all', async () => {
    const { clock, use, start } = world();
    use('box', 0);
    const line = start('stats -A --no-stream');
    await second(clock);
    expect(await line.code).toBe(0);
    expect(line.stdout.text).toMatch(/^NAMESPACE +NAME +CPU .*\ndefault +box +0\.00%.*\n$/);
  });

  it('shows ended ones with --all', async () => {
    const { clock, use, known, start } = world();
    use('box', 0);
    known.add('done');
    const line = start('stats -a --no-stream -q');
    await second(clock);
    expect(await line.code).toBe(0);
    expect(line.stdout.text).toBe('box\ndone\n');
  });

  it('refuses a name that nobody has, with the one that was probably meant', async () => {
    const { use, start } = world();
    use('box', 0);
    const line = start('stats bxo');
    expect(await line.code).toBe(3);
    expect(line.stderr.text).toBe('Error: sandbox bxo does not exist\nHint: Did you mean box?\n');
  });

  it('shows those that are there beside a name that nobody has, and fails for that one', async () => {
    const { clock, use, start } = world();
    use('web', 0);
    const line = start('stats --no-stream -q nobox web');
    await second(clock);
    expect(await line.code).toBe(3);
    expect(line.stdout.text).toBe('web\n');
    expect(line.stderr.text).toContain('sandbox nobox does not exist');
  });
});
