import { describe, expect, it } from 'vitest';
import { globalFlags } from '../../../src/cli/command/global-flags.ts';
import { onSameCore, typedIn } from '../../../src/cli/command/same-core.ts';
import type { FlagArities } from '../../../src/cli/words/pass-through.ts';
import { COMMANDS } from '../../../src/commands/index.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { nameInUse } from '../../../src/core/model/ids.ts';
import { runCommandLine } from '../../helpers/cli/command-line.ts';

const core = ['--context', 'far'];
const far = { core, namespace: 'team' };

describe('the commands in a hint', () => {
  it.each([
    [nameInUse('bravo').hint!, 'Delete it first with: fsb-ctl --context far -n team delete bravo'],
    [
      'See why with: fsb-ctl get b; it runs again, with its files, after: fsb-ctl start b',
      'See why with: fsb-ctl --context far -n team get b; it runs again, with its files, after: fsb-ctl --context far -n team start b',
    ],
    ['Look with `fsb-ctl get a.b`.', 'Look with `fsb-ctl --context far -n team get a.b`.'],
    ['See fsb-ctl image list.', 'See fsb-ctl --context far image list.'],
    ['fsb-ctl pool get p', 'fsb-ctl --context far pool get p'],
    [
      'Pull it: fsb-ctl image pull alpine:3.20, or fsb-ctl image import FILE a:1',
      'Pull it: fsb-ctl --context far image pull alpine:3.20, or fsb-ctl --context far image import FILE a:1',
    ],
    [
      'fsb-ctl cp a:/ - | fsb-ctl cp - b:/',
      'fsb-ctl --context far -n team cp a:/ - | fsb-ctl --context far -n team cp - b:/',
    ],
  ])('mean the core and the namespace of the line: %s', (hint, completed) => {
    expect(onSameCore(hint, far)).toBe(completed);
    expect(onSameCore(completed, far)).toBe(completed);
  });

  it('say each only once', () => {
    expect(onSameCore('See: fsb-ctl list -a -n team', far)).toBe(
      'See: fsb-ctl --context far list -a -n team',
    );
    expect(onSameCore('See: fsb-ctl list -A --phase lost.', far)).toBe(
      'See: fsb-ctl --context far list -A --phase lost.',
    );
    expect(onSameCore('See: fsb-ctl get b --host x', { core })).toBe('See: fsb-ctl get b --host x');
  });

  it.each([
    'See what `fsb-ctl doctor` reports.',
    'See what there is with: fsb-ctl context list',
    'fsb-ctl daemon stop, then fsb-ctl daemon start [FLAGS]',
    'fsb-ctl config unset endpoint',
    'fsb-ctl has no programs for it; fsb-ctl takes it from FSB_TOKEN_FILE.',
    'See fsb-ctl run --help.',
    'Did you mean bravo?',
  ])('stay as they are where they are about this machine, or none: %s', (hint) => {
    expect(onSameCore(hint, far)).toBe(hint);
  });

  it('name the root of a core that only its directory names', () => {
    const typed = { root: '/tmp/f ar' };
    expect(onSameCore('To change them: fsb-ctl daemon restart --max=3', typed)).toBe(
      "To change them: FSB_ROOT='/tmp/f ar' fsb-ctl daemon restart --max=3",
    );
    const once = onSameCore('fsb-ctl pool update p', { root: '/tmp/far' });
    expect(once).toBe('FSB_ROOT=/tmp/far fsb-ctl pool update p');
    expect(onSameCore(once, { root: '/tmp/far' })).toBe(once);
  });

  it('are known, all of them', () => {
    const words = [...Object.keys(COMMANDS), ...Object.values(COMMANDS).flatMap(({ aliases }) => aliases)];
    const unchanged = words
      .map((id) => id.split(':')[0]!)
      .filter((word) => onSameCore(`fsb-ctl ${word} X`, { core }) === `fsb-ctl ${word} X`);
    expect([...new Set(unchanged)].sort()).toEqual([
      'completion',
      'config',
      'context',
      'daemon',
      'doctor',
      'logout',
      'serve',
      'version',
    ]);
  });
});

describe('what a line names', () => {
  const typed = (line: string): unknown => typedIn(line.split(' '), globalFlags as FlagArities, '/w');

  it.each([
    ['--context far -n team get b', far],
    ['get b --context=far -qnteam', far],
    ['get -n=team b --namespace team --context far', far],
    ['get b --host tcp://a:1', { core: ['--host', 'tcp://a:1'] }],
    ['exec b -- x --context far', {}],
    ['exec b -n', {}],
  ])('is in its flags, however they are written: %s', (line, expected) => {
    expect(typed(line)).toEqual(expected);
  });

  it('is in the hint of its failure, also where the line cannot be parsed', async () => {
    const connect = async (): Promise<never> => {
      throw new FsbError('already_exists', 'no', { hint: 'fsb-ctl delete bravo' });
    };
    const named = ['--host', 'unix:///run/far.sock', '-n', 'team'];
    const { stderr } = await runCommandLine([...named, 'get', 'bravo'], { connect });
    expect(stderr).toBe('Error: no\nHint: fsb-ctl --host unix:///run/far.sock -n team delete bravo\n');
    const missing = await runCommandLine(['exec', 'bravo', ...named], { connect });
    expect(missing.stderr).toContain('fsb-ctl --host unix:///run/far.sock -n team exec -it bravo sh');
  });
});
