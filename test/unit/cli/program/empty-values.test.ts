import { expect, it } from 'vitest';
import { localCore } from '../../../../src/cli/local/daemon/find.ts';
import { runCommandLine } from '../../../helpers/cli/command-line.ts';
import { fixedCore } from '../../../helpers/cli/fixed-core.ts';

/** Mostly a variable of a script that is not set: to go on without it would do something else than was meant. */
it.each([
  ['daemon status', '--root'],
  ['daemon stop', '--root'],
  ['daemon start', '--root'],
  ['daemon restart', '--root'],
  ['daemon logs', '--root'],
  ['serve', '--root'],
  ['run box --image host', '--idempotency-key'],
  ['run box --image host', '--id-file'],
  ['list', '--sort-by'],
  ['list', '--context'],
])('%s refuses an empty %s', async (line, flag) => {
  for (const words of [[flag, ''], [`${flag}=`]])
    expect(await runCommandLine([...line.split(' '), ...words], { core: fixedCore() })).toEqual({
      ...{ code: 2, stdout: '', stderr: `Error: ${flag}: must not be empty\n` },
    });
});

it('an empty FSB_ROOT is one that is not set', () => {
  const at = (env: Record<string, string>) =>
    localCore({ env: { HOME: '/h', ...env }, cwd: '/w' }, '/p').paths.root;
  expect(at({ FSB_ROOT: '' })).toBe(at({}));
});
