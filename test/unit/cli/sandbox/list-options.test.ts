import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSelectors } from '../../../../src/cli/select/label-selector.ts';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { SystemHealth } from '../../../../src/core/model/system.ts';
import { runCommandLine } from '../../../helpers/cli/command-line.ts';
import { health, NOW } from '../../../helpers/cli/fixed-answers.ts';
import { fixedCore } from '../../../helpers/cli/fixed-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const fsb = (argv: string[]) => runCommandLine(argv, { core: fixedCore(), clock: createManualClock(NOW) });

describe('list', () => {
  it.each(['-q', '-o name'])('with -A %s has equal names of all namespaces', async (format) => {
    const core = fixedCore();
    const { list } = core.sandboxes;
    core.sandboxes.list = async (query) =>
      (await list(query)).flatMap((each) => [each, { ...each, namespace: 'other' }]);
    const { stdout } = await runCommandLine(['list', '-A', ...format.split(' '), '--phase', 'running'], {
      core,
    });
    expect(stdout).toBe('box\nbox\n');
  });

  // box runs, red, web; job has failed with 137, blue; old has exited with 7; new is pending.
  it.each([
    ['', 'box cold new'],
    ['-a', 'box job old cold new'],
    ['--phase failed', 'job'],
    ['--phase running', 'box'],
    ['-f status=paused', 'cold'],
    ['--phase Running,exited', 'box old'],
    ['-f status=created', 'new'],
    ['-f phase=dead -f phase=exited', 'job old'],
    ['-f status=exited', 'job old'],
    ['-f status=failed', 'job'],
    ['-f status=dead,restarting', ''],
    ['-f phase=exited', 'old'],
    ['-f exited=137', 'job'],
    ['-f exited=7 -f exited=137', 'job old'],
    ['-a -f name=o', 'box job old cold'],
    ['-a -f name=^o', 'old'],
    ['-a -f id=job0', 'job'],
    [`-a -f id=${'job'.padEnd(32, '0')}`, 'job'],
    [`-a -f id=${'job'.padEnd(32, '0')}0`, ''],
    [`-a -f id=${'e'.repeat(32)} -f id=cold`, 'job cold'],
    ['-a -f id=eee', 'job'],
    ['-a -f id=000', ''],
    ['-a -f ancestor=alpine', 'old'],
    ['-a -f ancestor=alpine:3.20', 'old'],
    ['-a -f ancestor=alpine:3', ''],
    ['-a -f ancestor=registry.example.com/team/tool', 'job'],
    ['-a -f pool=default-pool -f node=node-1', 'box job old cold'],
    ['-a -f label=team', 'box job'],
    ['-a -f before=box', 'job cold'],
    ['-a -f since=box', 'old new'],
    ['-a -f since=cold -f before=old', 'box'],
    ['-f since=job -f since=old', 'box cold new'],
    ['-a -f label=team=red -f label=tier', 'box'],
    ['-a -l team=red', 'box'],
    ['-a -l team!=red', 'job old cold new'],
    ['-a -l team==blue,!tier', 'job'],
    ['-a -l team -l tier=web', 'box'],
    ['-a -l q', ''],
    ['-alteam', 'box job'],
    ['--latest', 'new'],
    ['--last 2', 'new old'],
    ['--last 2 --sort-by name', 'new old'],
    ['-a --sort-by name', 'box cold job new old'],
    ['-a --sort-by -name', 'old new job cold box'],
    ['-a --sort-by=-name', 'old new job cold box'],
    ['-a --sort-by age', 'new old box cold job'],
    ['-a --sort-by created', 'job cold box old new'],
    ['-a --sort-by {.exit_code}', 'old job box cold new'],
    ['-a --sort-by -exit_code', 'job old box cold new'],
    ['-a --sort-by .labels.team', 'job box old cold new'],
    ["-a --sort-by labels['team']", 'job box old cold new'],
  ])('%s', async (options, names) => {
    const { code, stdout, stderr } = await fsb([
      'list',
      '-q',
      ...options.split(' ').filter((word) => word !== ''),
    ]);
    expect([code, stderr, stdout.trim().replaceAll('\n', ' ')]).toEqual([0, '', names]);
  });

  it.each([
    [['-f', 'stauts=x'], 'Did you mean status=...?'],
    [['-f', 'status=runing'], 'Did you mean Running?'],
    [['--phase', 'ended'], 'unknown phase "ended"'],
    [['-f', 'exited=x'], 'invalid filter "exited=x"'],
    [['-f', 'nam'], 'Did you mean name=...?'],
    [['-f', 'name=('], 'no regular expression'],
    [
      ['-a', '--sort-by', 'nmae'],
      'invalid --sort-by "nmae": there is no field "nmae"\nHint: Did you mean name?',
    ],
    [['--sort-by', 'labels['], 'invalid --sort-by "labels[" at position 9'],
    [['-l', 'team=red,'], 'invalid selector "team=red," at position 10: expected the name of a label'],
    [['-l', 'team in red'], 'expected "("'],
    [['-lq'], '-l is --selector, and q in -lq its label\nHint: The one that was created last: --latest, '],
    [['-laq'], 'A label of that name: -l aq\n'],
    [['-aqlq'], '--latest'],
    [['-l', ''], 'expected the name of a label'],
    [['--last', '0'], '--last: invalid number "0"\nHint: Write a whole number from 1 on.'],
    [['--last', 'x'], '--last: invalid number "x"\nHint: Write a whole number from 1 on.'],
    [['-n', '2'], '-n is the namespace, and 2 is a number\nHint: The newest: fsb-ctl list --last 2. '],
    [['-an2'], 'A namespace of that name: --namespace 2\n'],
    [['--last', '1', '--latest'], '--last'],
  ])('%j is wrong usage', async (options, why) => {
    const { code, stdout, stderr } = await fsb(['list', ...options]);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(why)]);
  });
});

it.each([
  ['list', '-aq', '--namespace', '2'],
  ['list', '-aq', '--namespace=2'],
  ['-n', '2', 'list', '-aq'],
])('a number is the name of a namespace where it says so: %s %s %s %s', async (...argv) => {
  const { sandboxes, ...core } = fixedCore();
  const asked: unknown[] = [];
  const list: CoreApi['sandboxes']['list'] = async (query) => {
    asked.push(query.namespace);
    return [];
  };
  const { code } = await runCommandLine(argv, { core: { ...core, sandboxes: { ...sandboxes, list } } });
  expect([code, asked]).toEqual([0, ['2']]);
});

describe('selectors', () => {
  const key = fc.constantFrom('team', 'tier', 'fsb.io/x', 'in', 'notin');
  const value = fc.constantFrom('red', 'blue', '', 'a-b', '1');
  const labels = fc.dictionary(key, value, { maxKeys: 4 });

  it.each([
    ['team in (red, blue)', { team: 'red' }, true],
    ['team in (red,blue)', {}, false],
    ['team notin (red)', { team: 'blue' }, true],
    ['team notin (red)', {}, true],
    ['in in (in)', { in: 'in' }, true],
    ['team = red , !tier', { team: 'red' }, true],
    ['team=', { team: '' }, true],
    ['constructor', {}, false],
    ['!constructor', {}, true],
  ])('%s on %j is %s', (selector, on, fits) => expect(parseSelectors([selector]).fits(on)).toBe(fits));

  it('mean what they say, whatever the labels are', () => {
    fc.assert(
      fc.property(
        key,
        value,
        fc.array(value, { minLength: 1, maxLength: 3 }),
        labels,
        (name, one, many, on) => {
          const fits = (selector: string): boolean => parseSelectors([selector]).fits(on);
          const own = Object.hasOwn(on, name) ? on[name] : undefined;
          expect(fits(`${name}=${one}`)).toBe(own === one);
          expect(fits(`${name}==${one}`)).toBe(own === one);
          expect(fits(`${name}!=${one}`)).toBe(own !== one);
          expect(fits(name)).toBe(own !== undefined);
          expect(fits(`!${name}`)).toBe(own === undefined);
          expect(fits(`${name} in (${many})`)).toBe(own !== undefined && many.includes(own));
          expect(fits(`${name} notin (${many})`)).toBe(!(own !== undefined && many.includes(own)));
          expect(fits(`${name},!${name}`)).toBe(false);
        },
      ),
    );
  });

  it('are understood, or told where they are wrong', () => {
    const words = fc.array(fc.constantFrom('a', 'in', 'notin', ' ', ',', '=', '!', '(', ')', 'b'), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(words, (parts) => {
        try {
          parseSelectors([parts.join('')]).fits({ a: 'b' });
        } catch (error) {
          expect(error).toBeInstanceOf(FsbError);
          expect((error as FsbError).message).toMatch(/^invalid selector .* at position \d+: /);
        }
      }),
    );
  });
});

describe('records that are set aside', () => {
  const stderr = async (argv: string[], core: CoreApi, tty = true): Promise<string> =>
    (await runCommandLine(argv, { core, tty })).stderr;

  it('are told to people, who may miss a sandbox', async () => {
    expect(await stderr(['list'], fixedCore())).toMatch(/^Some records .* See fsb-ctl info\.\n$/);
    for (const silent of [['-q'], ['-o', 'json'], ['-o', '{{.name}}']])
      expect(await stderr(['list', ...silent], fixedCore())).toBe('');
    expect(await stderr(['list'], fixedCore(), false)).toBe('');
  });

  it('are no matter where only logs are, or nobody can say', async () => {
    const withHealth = (ask: () => Promise<SystemHealth>): CoreApi => {
      const core = fixedCore();
      return { ...core, system: { ...core.system, health: ask } } as CoreApi;
    };
    const logs = { path: '/srv/records/logs/b0c5/7.aside', size: 1 };
    expect(
      await stderr(
        ['list'],
        withHealth(async () => ({ ...health, setAside: [logs] })),
      ),
    ).toBe('');
    expect(
      await stderr(
        ['list'],
        withHealth(() => Promise.reject(new Error('old'))),
      ),
    ).toBe('');
  });
});

describe('where there is no row', () => {
  const empty = { sandboxes: { list: async () => [] }, images: { list: async () => [] } };
  const core = { ...empty, pools: { leases: async () => [] }, close: async () => {} } as unknown as CoreApi;
  const onNothing = (line: string) => runCommandLine(line.split(' '), { core });

  it.each([
    'list --sort-by nam',
    'list --format {{.nope}}',
    'list -o jsonpath={.nope}',
    'list -o jsonpath={.items[*].nope}',
    'image list --format {{.nope}}',
    'pool leases -o jsonpath={.nope}',
  ])('a field that no row would have is a mistake all the same: %s', async (line) => {
    const { code, stderr } = await onNothing(line);
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is no field "n')]);
  });

  it.each([
    'list --sort-by -age',
    'list --sort-by labels.team',
    'list --format {{.Names}}',
    'list --format {{.ID}}{{.RunningFor}}{{.labels.team}}',
    'list -o jsonpath={.items[0].spec.resources.memory}',
    'image list --format {{.Repository}}:{{.Tag}}',
    'pool leases -o template={{.pool}}',
  ])('one that it would have prints nothing: %s', async (line) => {
    const { code, stdout, stderr } = await onNothing(line);
    expect([code, stdout.trim(), stderr]).toEqual([0, line.includes('sort') ? expect.anything() : '', '']);
  });
});
