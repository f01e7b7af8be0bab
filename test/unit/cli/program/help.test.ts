import { expect, it } from 'vitest';
import { COMMANDS } from '../../../../src/commands/index.ts';
import { runCommandLine } from '../../../helpers/cli/command-line.ts';

/** What a reader of a help meets first, and where the rest is. */

async function helpOf(line: string): Promise<string> {
  const { code, stdout } = await runCommandLine([...line.split(' '), '--help']);
  expect(code).toBe(0);
  return stdout;
}

const headersOf = (help: string): string[] => help.match(/^[A-Z ]+$/gm) ?? [];

it('of a command has its own before what all have, and that in few lines', async () => {
  const help = await helpOf('stop');
  expect(headersOf(help)).toEqual(['USAGE', 'ARGUMENTS', 'FLAGS', 'DESCRIPTION', 'EXAMPLES', 'GLOBAL FLAGS']);
  const [own, global] = help.split('GLOBAL FLAGS\n') as [string, string];
  expect(own.match(/End the commands of sandboxes and keep the sandboxes/g)).toHaveLength(1);
  expect(own).not.toContain('--host');
  expect(global.trim().split('\n').length).toBeLessThanOrEqual(4);
  expect(global).toContain('-n/--namespace');
  expect(global.replaceAll(/\s+/g, ' ')).toContain('see "fsb-ctl --help".');
});

it.each(Object.keys(COMMANDS))('of %s names the global flags last, each once', async (id) => {
  const help = await helpOf(id.replaceAll(':', ' '));
  expect(headersOf(help).at(-1)).toBe('GLOBAL FLAGS');
  expect(help.split('GLOBAL FLAGS\n')[1]?.match(/--context\b/g)?.length).toBe(1);
});

it('without a command explains the global flags', async () => {
  const help = await helpOf('-n x');
  expect(help).toMatch(
    /GLOBAL FLAGS\n {2}-n, --namespace[\s\S]*\n {6}--host=ENDPOINT +Core to talk to\. unix:/,
  );
});
