import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { TerminalSession } from '../helpers/cli/terminal-session.ts';

/** The Tab key in the shells that people have. */

/** Ctrl-U: forgets the line. */
const CLEAR = '\u0015';

let shell: Shell;
let lease: string;

beforeAll(async () => {
  shell = await makeShell();
  await writeFile(join(shell.home, 'notes.txt'), '');
  await mkdir(join(shell.home, 'notebook'));
  await shell.succeed('fsb-ctl run box --image host -- sleep 1000');
  await shell.succeed('fsb-ctl run job --image host -- true');
  await shell.succeed('fsb-ctl context create workshop --host tls://workshop');
  lease = (await shell.succeed('fsb-ctl pool run --lease --image host -q')).trim();
});

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

interface Prepared {
  argv: string[];
  /** Typed once it listens. */
  load: string;
}

const shells: Record<string, Prepared> = {
  'bash alone': { argv: ['bash', '--norc', '--noprofile', '-i'], load: 'source <(fsb-ctl completion bash)' },
  'bash with bash-completion': {
    argv: ['bash', '--norc', '--noprofile', '-i'],
    load: 'source /usr/share/bash-completion/bash_completion; source <(fsb-ctl completion bash)',
  },
  zsh: { argv: ['zsh', '-f', '-i'], load: 'source <(fsb-ctl completion zsh)' },
  fish: { argv: ['fish', '--no-config', '-i'], load: 'fsb-ctl completion fish | source' },
};

describe.each(Object.entries(shells))('%s', (_, { argv, load }) => {
  let session: TerminalSession;

  beforeAll(async () => {
    session = new TerminalSession(argv, { env: { ...shell.env, PS1: '$ ' }, cwd: shell.home });
    await session.sees(/[$#%] /);
    session.type(`${load}\r`);
    // What was typed is seen, too: the sum is not.
    session.type('echo loaded-"yes"\r');
    await session.sees('loaded-yes');
  });

  afterAll(async () => {
    session.type(`${CLEAR}exit\r`);
    await session.end();
  });

  it.each([
    ['a command', 'fsb-ctl comp\t', 'completion'],
    ['a command of a topic', 'fsb-ctl pool stat\t', 'status'],
    ['a flag', 'fsb-ctl run --netw\t', '--network'],
    ['the value of a flag', 'fsb-ctl run --network h\t', 'host'],
    ['the value behind an equals sign', 'fsb-ctl run --network=h\t', '--network=host'],
    ['a file', 'fsb-ctl run x --env-file notes\t', 'notes.txt'],
    ['a file behind an equals sign', 'fsb-ctl run x --env-file=notes.\t', '--env-file=notes.txt'],
    ['a directory', 'fsb-ctl run x -v note\t', 'notebook'],
    ['a context', 'fsb-ctl context use w\t', 'workshop'],
    ['the key of a filter, which goes on with its value', 'fsb-ctl list --filter st\trun', ' status=run'],
  ])('completes %s', completes);

  const withCore = onlyOver(['unix', 'tls'], 'an embedded core is not started for a key');

  withCore.it.each([
    ['the name of a sandbox', 'fsb-ctl get b\t', 'box'],
    ['only one that can be used', 'fsb-ctl exec \t', 'box'],
    ['of a program in a path from home', '~/bin/fsb-ctl get b\t', 'get box'],
    ['an image', 'fsb-ctl run --image ho\t', 'host'],
    ['a pool', 'fsb-ctl pool get def\t', 'default-pool'],
    ['a path in a sandbox, which goes on behind the colon', 'fsb-ctl cp bo\t/etc', 'x:/etc'],
  ])('completes %s', completes);

  withCore.it('completes a lease', () => completes('', 'fsb-ctl pool release l\t', lease));

  /** Whom the core does not answer in a moment the key does nothing for: on a busy machine it is pressed again. */
  async function completes(_what: string, line: string, word: string): Promise<void> {
    const patience = [5_000, 5_000, 5_000, undefined];
    for (const [tries, ms] of patience.entries()) {
      session.type(line);
      const seen = session.sees(word, ms);
      if (tries === patience.length - 1) await seen;
      const isSeen = await seen.then(
        () => true,
        () => false,
      );
      session.type(CLEAR);
      if (isSeen) return;
    }
  }
});
