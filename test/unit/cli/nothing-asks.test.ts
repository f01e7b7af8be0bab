import { expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/index.ts';
import { startCommandLine } from '../../helpers/cli/command-line.ts';
import { fixedCore } from '../../helpers/cli/fixed-core.ts';

/** Nothing but the words of a command, no terminal, and an input that stays open: who asked would wait for ever. */

/** These have no end of their own, or read standard input by design, as docker load does. */
const endless = ['events', 'stats', 'serve', 'image:import'];
/** These look at this machine, or change it. */
const elsewhere = /^(daemon|doctor|pool (start|stop)|image prune|logout|completion)/;

const lines = Object.keys(COMMANDS)
  .filter((id) => !endless.includes(id))
  .map((id) => id.replace(':', ' '))
  .filter((line) => !elsewhere.test(line));

it.each(lines)('%s alone ends', async (line) => {
  const running = startCommandLine(line.split(' '), { core: fixedCore(), cwd: '/' });
  const code = await running.code;
  // 7 is what every command that runs in the fixed core ends with.
  expect([0, 2, 3, 4, 7]).toContain(code);
  if (code !== 0 && code !== 7) expect(running.stderr.text).toMatch(/^Error: [\s\S]*^Hint: /m);
  expect(running.stdout.text + running.stderr.text).not.toMatch(/\?\s*$/);
});
