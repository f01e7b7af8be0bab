import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { keys, type TerminalSession } from '../helpers/cli/terminal-session.ts';

/** A person's shell in a sandbox: the production binary, on a terminal, with a real bash at the other end. */

let shell: Shell;
const prompt = /root@\S+:\S+# /;

beforeAll(async () => {
  shell = await makeShell();
  await shell.succeed('fsb-ctl run box --image host -- sleep 1000');
});

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

const opened = ['fsb-ctl exec -it box bash', 'fsb-ctl run inner --rm -it --image host -- bash'];

async function atPrompt(line: string): Promise<TerminalSession> {
  const session = shell.open(line);
  await session.sees(prompt);
  return session;
}

/** The quotes keep the words that are waited for out of the echo of what is typed. */
const enter = (session: TerminalSession, line: string): void => session.type(`${line}\r`);

describe.each(opened)('%s', (line) => {
  it('has the size of the terminal, and follows the shell to its end with its code', async () => {
    const session = await atPrompt(line);
    enter(session, 'stty size');
    await session.sees('31 97');
    await session.sees(prompt);
    enter(session, `bash -c 'exit 7'; echo code''=$?; (exit 5)`);
    await session.sees('code=7');
    await session.sees(prompt);
    session.type(keys.ctrlD);
    expect(await session.end()).toEqual({ code: 5, restored: true });
  });

  it('interrupts what runs in the shell with ctrl-C, not itself', async () => {
    const session = await atPrompt(line);
    // Its own process says that it is there: before that, bash may take the key for itself and sleep on.
    enter(session, `bash -c "echo asl''eep; exec sleep 600"; echo not re''ached`);
    await session.sees('asleep');
    session.type(keys.ctrlC);
    await session.sees(prompt);
    enter(session, "echo code''=$?");
    await session.sees('code=130');
    await session.sees(prompt);
    enter(session, 'exit 0');
    expect(await session.end()).toEqual({ code: 0, restored: true });
    expect(session.text).not.toContain('not reached');
  });
});

describe('the detach keys', () => {
  const commandLines = (name: string): Promise<string> =>
    shell.succeed(`fsb-ctl exec ${name} sh -c 'cat /proc/[0-9]*/cmdline | tr "\\0" " "'`);

  it.each([
    ['box', 'fsb-ctl exec -it box bash'],
    ['shell', 'fsb-ctl run shell -it --image host -- bash'],
    ['gone', 'fsb-ctl run gone --rm -it --image host -- bash'],
  ])('leave what runs in %s running: %s', async (name, line) => {
    const session = await atPrompt(line);
    enter(session, `echo on''e; sleep 599; echo tw''o`);
    await session.sees('one');
    session.type(keys.detach);
    expect(await session.end()).toEqual({ code: 0, restored: true });
    expect(await commandLines(name)).toContain('sleep 599');
  });
});
