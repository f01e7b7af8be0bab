import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { keys, type TerminalSession } from '../helpers/cli/terminal-session.ts';

/** `run NAME` without an image: the production binary on a terminal, and an editor that does what a test says. */

const CANCELLED = { code: 130, restored: true };
const DONE = { code: 0, restored: true };

let shell: Shell;
let remembered: string;

beforeAll(async () => {
  shell = await makeShell();
  remembered = join(shell.home, 'state/fsb/edits/default/box.yaml');
});

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

beforeEach(async () => {
  await shell.run('fsb-ctl delete --grace 0s box');
  await rm(remembered, { force: true });
});

/** An editor whose first call does the first step to the file "$file", and so on; the file's name comes last. */
async function scriptedEditor(name: string, ...steps: string[]): Promise<string> {
  const path = join(shell.home, name);
  const cases = steps.map((step, index) => `${index + 1}) ${step};;`);
  const lines = [
    '#!/bin/bash',
    'for file; do :; done',
    `echo x >> "${path}.calls"`,
    `echo "$*" > "${path}.words"`,
  ];
  await writeFile(path, [...lines, `case $(wc -l < "${path}.calls") in`, ...cases, 'esac'].join('\n'));
  await chmod(path, 0o755);
  await rm(`${path}.calls`, { force: true });
  return path;
}

const write = (text: string): string => `printf '${text}' > "$file"`;
const VALID = write('image: host\\nargs: [sleep, "600"]\\n');

/** @param environment words of the shell before the command: `EDITOR=ed` */
const edit = (environment: string, words = ''): TerminalSession =>
  shell.open(`unset VISUAL EDITOR; export ${environment}; fsb-ctl run box ${words}`);

async function editWith(...steps: string[]): Promise<TerminalSession> {
  return edit(`EDITOR=${await scriptedEditor('editor', ...steps)}`);
}

const exists = async (): Promise<boolean> => (await shell.run('fsb-ctl get box')).code === 0;

describe('a text that is right', () => {
  it('makes the sandbox after a yes', async () => {
    const session = await editWith(VALID);
    await session.sees('Create sandbox box from image host? (Y/n)');
    session.type('maybe\r');
    await session.sees('Answer y or n.');
    session.type('\r');
    await session.sees(/box +[0-9a-f]{12}/);
    expect(await session.end()).toEqual(DONE);
    expect(await exists()).toBe(true);
  });

  it('makes it with no question under --yes', async () => {
    const session = edit(`EDITOR=${await scriptedEditor('editor', VALID)}`, '--yes');
    expect(await session.end()).toEqual(DONE);
    expect(session.text).not.toContain('Create sandbox');
  });

  it('begins with what the line says, of which the terminal stays', async () => {
    const editor = await scriptedEditor('editor', `cp "$file" "$0.seen"; sed -i 's/there/here/' "$file"`);
    const session = edit(
      `EDITOR=${editor}`,
      `--rm -it -e GREETING=hi -- sh -c 'test -t 0 && echo "$GREETING there"; read line; echo "got $line"'`,
    );
    await session.sees('Create sandbox box from image host? (Y/n)');
    session.type('\r');
    await session.sees('hi here');
    // The keys are the sandbox's after the question was answered.
    session.type('keys\r');
    await session.sees('got keys');
    expect(await session.end()).toEqual(DONE);
    const seen = await readFile(`${editor}.seen`, 'utf8');
    expect(seen).toContain(
      'args:\n  - sh\n  - -c\n  - test -t 0 && echo "$GREETING there"; read line; echo "got $line"\n',
    );
    expect(seen).toContain('envs:\n  GREETING: hi\n');
    expect(seen).toContain(
      '# stdin: true, by -i of the command line\n# tty: true, by -t of the command line\n',
    );
  });

  it('makes nothing after a no, and is there the next time', async () => {
    const session = await editWith(VALID, 'grep -q 600 "$file" && touch "$0.found"; exit 1');
    await session.sees('(Y/n)');
    session.type('n\r');
    expect(await session.end()).toEqual(CANCELLED);
    expect(session.text).toContain(`Your text is kept in ${remembered}`);
    expect(await exists()).toBe(false);
    await edit(`EDITOR=${join(shell.home, 'editor')}`).end();
    expect((await stat(join(shell.home, 'editor.found'))).isFile()).toBe(true);
  });

  it.each(['ctrlC', 'ctrlD'] as const)('makes nothing after %s at the question', async (key) => {
    const session = edit(`NO_COLOR= EDITOR=${await scriptedEditor('editor', VALID)}`);
    await session.sees('(Y/n)');
    session.type(keys[key]);
    expect(await session.end()).toEqual(CANCELLED);
    expect(session.text).toContain('cancelled, nothing was created');
    expect(await exists()).toBe(false);
    expect(await readFile(remembered, 'utf8')).toContain('600');
  });

  it('that nobody changed makes nothing when Enter is all that is said', async () => {
    const session = await editWith(':');
    await session.sees('(y/N)');
    session.type('\r');
    expect(await session.end()).toEqual(CANCELLED);
    expect(session.text).toContain('cancelled, nothing was created');
  });

  it('that was emptied makes nothing, and asks nothing', async () => {
    const session = await editWith(write('# nothing\\n'));
    expect(await session.end()).toEqual(CANCELLED);
    expect(session.text).toContain('cancelled, nothing was created: the text was left empty');
    expect(session.text).not.toContain('Edit it again?');
    expect(await exists()).toBe(false);
  });
});

describe('a text that is wrong', () => {
  it.each([
    ['YAML', 'image: host\\nargs: [1,\\n', /box\.yaml:\d: .*\r\n/, ''],
    ['in a key', 'image: host\\nagrs: [a]\\n', 'box.yaml:2: unknown key agrs', 'Hint: Did you mean args?'],
    ['in a value', 'image: host\\nttl: 1parsec\\n', 'box.yaml:2: ttl: invalid duration "1parsec"', ''],
    ['in a type', 'image: host\\nargs: x\\n', 'box.yaml:2: args: must be a list', ''],
  ])('%s: shows where and why, and is edited again', async (_, text, reason, hint) => {
    const session = await editWith(write(text), `cp "$file" "$0.second"; ${VALID}`);
    await session.sees(reason);
    await session.sees(hint);
    await session.sees('Edit it again? (Y/n)');
    session.type('\r');
    await session.sees('Create sandbox box from image host?');
    session.type('\r');
    expect(await session.end()).toEqual(DONE);
    expect(await readFile(join(shell.home, 'editor.second'), 'utf8')).toBe(text.replaceAll('\\n', '\n'));
  });

  it('is kept when the user gives up, by a no or by ctrl-C', async () => {
    for (const answer of ['n\r', keys.ctrlC]) {
      const session = await editWith(write('image: [host\\n'));
      await session.sees('Edit it again?');
      session.type(answer);
      expect(await session.end()).toEqual(CANCELLED);
      expect(await readFile(remembered, 'utf8')).toBe('image: [host\n');
    }
  });
});

describe('an editor', () => {
  it.each([
    ['that fails', 'exit 1', 'ended with code 1'],
    ['that is killed', 'kill -9 $$', 'was ended by SIGKILL'],
  ])('%s makes nothing, and loses nothing', async (_, step, reason) => {
    const session = await editWith(`${VALID}; ${step}`);
    expect(await session.end()).toEqual({ code: 1, restored: true });
    expect(session.text).toContain(`${reason}, nothing was created`);
    expect(session.text).toContain(`Your text is kept in ${remembered}`);
    expect(await readFile(remembered, 'utf8')).toContain('600');
    expect(await exists()).toBe(false);
  });

  it('that is missing is named', async () => {
    const session = edit('EDITOR=/no/such/editor');
    expect(await session.end()).toEqual({ code: 2, restored: true });
    expect(session.text).toContain('the editor "/no/such/editor" was not found');
    expect(session.text).not.toContain('sh:');
  });

  it('may have arguments, quotes and variables', async () => {
    const path = await scriptedEditor('an editor', VALID);
    const session = edit(`EDITOR="MODE=quiet '${path}' --wait 'two words'"`, '--yes');
    expect(await session.end()).toEqual(DONE);
    expect(await readFile(`${path}.words`, 'utf8')).toBe(`--wait two words ${remembered}\n`);
  });

  it('of VISUAL goes before that of EDITOR', async () => {
    const visual = await scriptedEditor('visual', VALID);
    expect(await edit(`VISUAL=${visual} EDITOR=/no/such/editor`, '--yes').end()).toEqual(DONE);
  });

  it('of the configuration goes after both, and may have arguments, too', async () => {
    const configured = await scriptedEditor('configured', VALID);
    await shell.succeed(`fsb-ctl config set editor "${configured} --wait"`);
    try {
      const editor = await scriptedEditor('editor', VALID);
      expect(await edit(`EDITOR=${editor}`, '--yes').end()).toEqual(DONE);
      await shell.succeed(`fsb-ctl delete -f box; test ! -e ${configured}.calls`);
      expect(await edit('NOTHING=', '--yes').end()).toEqual(DONE);
      expect(await readFile(`${configured}.words`, 'utf8')).toBe(`--wait ${remembered}\n`);
      expect(await exists()).toBe(true);
    } finally {
      await shell.succeed('fsb-ctl config unset editor');
    }
  });

  it.each([
    ['nano', ['nano', 'vim', 'vi']],
    ['vim', ['vim', 'vi']],
    ['vi', ['vi']],
  ])('is %s when %j are what there is', async (chosen, there) => {
    const places = join(shell.home, `editors-${chosen}`);
    await shell.succeed(`mkdir ${places}; ln -s $(command -v node) $(command -v cat) ${places}`);
    for (const name of there) await scriptedEditor(`editors-${chosen}/${name}`, ':');
    // Nothing of the machine's own, so that its editors are not there; what the scripts need is.
    await shell.succeed(`ln -s $(command -v bash) $(command -v wc) $(command -v env) ${places}`);
    const session = edit(`PATH=${shell.home}/bin:${places}`);
    await session.sees('Create sandbox box');
    session.type('n\r');
    expect(await session.end()).toEqual(CANCELLED);
    expect((await stat(join(places, `${chosen}.calls`))).isFile()).toBe(true);
  });
});

it('loses nothing when the command is killed while the editor is open', async () => {
  const session = await editWith(`${write('image: host # mine\\n')}; kill -9 $(ps -o ppid= -p $PPID)`);
  expect(await session.end()).toMatchObject({ code: -9 });
  expect(await readFile(remembered, 'utf8')).toBe('image: host # mine\n');
});
