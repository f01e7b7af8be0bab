import { chmod, mkdtemp, readFile, rm, stat, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { specTemplate } from '../../../src/cli/spec/template.ts';
import { type CommandLine, startCommandLine } from '../../helpers/cli/command-line.ts';
import { type ProcessCore, processCore } from '../../helpers/core/process-core/process-core.ts';

let core: ProcessCore;
let directory: string;
let remembered: string;

beforeEach(async () => {
  core = processCore();
  directory = await mkdtemp(join(tmpdir(), 'fsb-edit-'));
  remembered = join(directory, 'fsb/edits/default/box.yaml');
});

afterEach(async () => {
  await core.close();
  await rm(directory, { recursive: true });
});

/** `run box` on a terminal; each line of `rounds` is what the editor does to $1 when it is opened the next time. */
async function edit(rounds: string[], flags: string[] = []): Promise<CommandLine> {
  const editor = join(directory, 'editor');
  const steps = rounds.map((round, index) => `${index + 1}) ${round};;`);
  const count = `echo x >> "${directory}/rounds"; round=$(wc -l < "${directory}/rounds")`;
  await writeFile(editor, `#!/bin/sh\n${count}\ncase $round in\n${steps.join('\n')}\nesac\n`);
  await chmod(editor, 0o755);
  await rm(join(directory, 'rounds'), { force: true });
  const env = { EDITOR: editor, XDG_STATE_HOME: directory, TERM: 'xterm' };
  return startCommandLine(['run', 'box', ...flags], { core, tty: true, env });
}

async function answer(line: CommandLine, question: string, key: string): Promise<void> {
  await line.stderr.until(question);
  line.stdin.write(`${key}\r`);
}

const write = (text: string): string => `printf '${text}' > "$1"`;
const rounds = async (): Promise<number> => (await readFile(join(directory, 'rounds'), 'utf8')).length / 2;

describe('run without an image, on a terminal', () => {
  it('opens the template, asks, and creates what was written', async () => {
    const line = await edit([`cp "$1" "$1.seen"; ${write('image: host\\nargs: [sleep, "60"]\\n')}`]);
    await answer(line, 'Create sandbox box from image host?', 'y');
    expect(await line.code).toBe(0);
    expect(await readFile(`${remembered}.seen`, 'utf8')).toBe(specTemplate('box'));
    expect(line.stdout.text).toMatch(/^NAME .*\nbox /);
  });

  it('remembers the last text of the name, readable by its owner only', async () => {
    const first = await edit([write('image: host\\nargs: [sleep, "61"]\\n')], ['--yes', '-q']);
    expect(await first.code).toBe(0);
    expect((await stat(remembered)).mode & 0o777).toBe(0o600);
    await core.sandboxes.delete({ namespace: 'default', name: 'box' }, { grace: 0 });
    const second = await edit(['sed -i s/61/62/ "$1"'], ['--yes', '-q']);
    expect(await second.code).toBe(0);
    const { spec } = await core.sandboxes.get({ namespace: 'default', name: 'box' });
    expect(spec.args).toEqual(['sleep', '62']);
  });

  it('shows line and reason of a wrong key, keeps the text, and opens it again', async () => {
    const line = await edit([write('image: host\\nagrs: [sleep, "60"]\\n'), 'sed -i s/agrs/args/ "$1"']);
    await line.stderr.until('Edit it again?');
    expect(line.stderr.text).toContain(`${remembered}:2: unknown key agrs\n  2 | agrs: [sleep, "60"]`);
    expect(line.stderr.text).toContain('Did you mean args?');
    line.stdin.write('\r');
    await answer(line, 'Create sandbox box', 'y');
    expect(await line.code).toBe(0);
    expect(await rounds()).toBe(2);
  });

  it('keeps wrong YAML when the user gives up', async () => {
    const line = await edit([write('image: [host\\n')]);
    await answer(line, 'Edit it again?', 'n');
    expect(await line.code).toBe(130);
    expect(line.stderr.text).toContain(`Your text is kept in ${remembered}`);
    expect(await readFile(remembered, 'utf8')).toBe('image: [host\n');
  });

  it('is cancelled by an unchanged text and Enter, and remembers nothing', async () => {
    const line = await edit(['true']);
    await answer(line, 'Create sandbox box', '');
    expect(await line.code).toBe(130);
    expect(line.stderr.text).toContain('cancelled, nothing was created');
    await expect(stat(remembered)).rejects.toThrow('ENOENT');
    expect(await core.sandboxes.list({})).toEqual([]);
  });

  it('is cancelled by ctrl-C at the question', async () => {
    const line = await edit([write('image: host\\n')]);
    await line.stderr.until('Create sandbox box');
    line.stdin.write('\u0003');
    expect(await line.code).toBe(130);
  });

  it('says where it cannot keep the text', async () => {
    await writeFile(join(directory, 'fsb'), '');
    const line = await edit(['true']);
    expect(await line.code).toBe(1);
    expect(line.stderr.text).toMatch(/^Error: cannot keep the text to edit in .*\nHint: Set XDG_STATE_HOME/);
  });

  it('lets flags and words win over the text', async () => {
    const line = await edit(
      [write('image: nope\\nargs: [x]\\nenvs: {A: "1"}\\n')],
      ['--yes', '-q', '-e', 'B=2', '--', 'sleep', '60'],
    );
    await line.stderr.until('image nope is not here');
    expect(await line.code).toBe(3);
  });

  it('leaves ctrl-C to the editor while it is open, and takes it back afterwards', async () => {
    const opened = `: > "${directory}/opened"; while [ -e "${directory}/opened" ]; do sleep 0.02; done`;
    const line = await edit([`${opened}; ${write('image: host\\n')}`]);
    const seen = (async () => {
      for await (const { filename } of watch(directory)) if (filename === 'opened') return;
    })();
    await seen;
    for (const signal of ['SIGINT', 'SIGINT', 'SIGQUIT']) line.events.emit(signal);
    expect(line.events.listenerCount('SIGQUIT')).toBe(1);
    await rm(join(directory, 'opened'));
    await line.stderr.until('Create sandbox box from image host?');
    expect([line.forced, line.events.listenerCount('SIGQUIT')]).toEqual([[], 0]);
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
  });

  it.each([
    ['exit 3', 'ended with code 3'],
    ['kill -9 $$', 'was ended by SIGKILL'],
  ])('reports an editor that does: %s', async (step, reason) => {
    const line = await edit([step]);
    expect(await line.code).toBe(125);
    expect(line.stderr.text).toContain(reason);
  });
});
