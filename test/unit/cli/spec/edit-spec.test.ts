import { chmod, mkdtemp, readFile, rm, stat, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { specTemplate } from '../../../../src/cli/spec/template.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { type CommandLine, startCommandLine } from '../../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';

let core: HostCore;
let directory: string;
let remembered: string;

beforeEach(async () => {
  core = hostCore();
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
    const said = await readFile(remembered, 'utf8');
    expect(said).toMatch(/^# The last text for box, from .*box\.yaml: .* begin afresh\.\nimage: host\n/);
    await core.sandboxes.delete({ namespace: 'default', name: 'box' }, { grace: 0 });
    expect(await (await edit([':'], ['--yes', '-q'])).code).toBe(0);
    expect(await readFile(remembered, 'utf8')).toBe(said);
  });

  it('opens no editor for a name that is in use, but for a call that may come again', async () => {
    expect(await (await edit([write('image: host\\nargs: [sleep, "60"]\\n')], ['--yes'])).code).toBe(0);
    const line = await edit([':']);
    expect(await line.code).toBe(4);
    expect(line.stderr.text).toContain('cannot create sandbox box: the name is in use');
    expect(line.stderr.text).toContain('fsb-ctl delete box');
    await expect(rounds()).rejects.toThrow('ENOENT');
    const again = await edit([':'], ['--yes', '--idempotency-key', 'k']);
    expect(await again.code).toBe(4);
    expect(await rounds()).toBe(1);
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

  it.each(['n\r', '\u0003', '\u0004'])('keeps wrong YAML when the user gives up with %j', async (key) => {
    const line = await edit([write('image: [host\\n')]);
    await line.stderr.until('Edit it again?');
    line.stdin.write(key);
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

  it.each([
    [': > "$1"', []],
    [write('# a word\\n  \\n'), ['--yes']],
    ['rm "$1"', []],
  ])('is cancelled by a text that was emptied: %s', async (step, flags) => {
    const line = await edit([step], flags);
    expect(await line.code).toBe(130);
    expect(line.stderr.text).toBe('Error: cancelled, nothing was created: the text was left empty\n');
    await expect(stat(remembered)).rejects.toThrow('ENOENT');
    expect(await core.sandboxes.list({})).toEqual([]);
  });

  it('keeps what was written before the text was emptied', async () => {
    const first = await edit([write('image: [host\\n'), ': > "$1"']);
    await answer(first, 'Edit it again?', '');
    expect(await first.code).toBe(130);
    expect(first.stderr.text).toContain(`left empty\nHint: Your text is kept in ${remembered}.\n`);
    expect(await readFile(remembered, 'utf8')).toBe('image: [host\n');
    const second = await edit([': > "$1"'], ['-e', 'A=1']);
    expect(await second.code).toBe(130);
    expect(await readFile(remembered, 'utf8')).toBe('image: [host\n');
  });

  it('begins afresh where nothing but comments is remembered', async () => {
    const first = await edit([write('image: [host\\n')]);
    await answer(first, 'Edit it again?', 'n');
    await first.code;
    await writeFile(remembered, '# only words\n');
    const line = await edit([`cp "$1" "$1.seen"`], ['--yes', '-q']);
    expect(await line.code).toBe(0);
    expect(await readFile(`${remembered}.seen`, 'utf8')).toBe(specTemplate('box'));
  });

  it.each([
    ['ctrl-C', '\u0003'],
    ['ctrl-D', '\u0004'],
  ])('is cancelled by %s at the question', async (_, key) => {
    const line = await edit([write('image: host\\n')]);
    await line.stderr.until('Create sandbox box');
    line.stdin.write(key);
    expect(await line.code).toBe(130);
    expect(line.stderr.text).toContain(`Your text is kept in ${remembered}`);
  });

  it('asks again when it was stopped and goes on, which pauses what is typed', async () => {
    const line = await edit([write('image: host\\nargs: [sleep, "60"]\\n')]);
    await line.stderr.until('Create sandbox box');
    const before = line.stderr.text.length;
    line.stdin.pause();
    await vi.waitFor(() => expect(line.stderr.text.slice(before)).toContain('Create sandbox box'), 20_000);
    line.stdin.write('y\r');
    expect(await line.code).toBe(0);
  });

  it('says where it cannot keep the text', async () => {
    await writeFile(join(directory, 'fsb'), '');
    const line = await edit(['true']);
    expect(await line.code).toBe(1);
    expect(line.stderr.text).toMatch(/^Error: cannot keep the text to edit in .*\nHint: Set XDG_STATE_HOME/);
  });

  it('leaves ctrl-C to the editor while it is open, and takes it back afterwards', async () => {
    const opened = `: > "${directory}/opened"; while [ -e "${directory}/opened" ]; do sleep 0.02; done`;
    const line = await edit([`${opened}; ${write('image: host\\n')}`]);
    const seen = (async () => {
      for await (const { filename } of watch(directory)) if (filename === 'opened') return;
    })();
    await seen;
    for (const signal of ['SIGINT', 'SIGINT', 'SIGQUIT']) line.events.emit(signal);
    // Without a listener, the signal would end this process.
    expect(line.events.listenerCount('SIGQUIT')).toBe(1);
    await rm(join(directory, 'opened'));
    await line.stderr.until('Create sandbox box from image host?');
    expect([line.forced, line.events.listenerCount('SIGQUIT')]).toEqual([[], 1]);
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
  });

  it.each([
    ['exit 3', 'ended with code 3'],
    ['kill -9 $$', 'was ended by SIGKILL'],
  ])('reports an editor that does: %s, and where the text is when there is one', async (step, reason) => {
    const line = await edit([step]);
    expect(await line.code).toBe(1);
    expect(line.stderr.text).toContain(`${reason}, nothing was created\n`);
    expect(line.stderr.text).not.toMatch(/Your text|EDITOR/);
    const typed = await edit([`${write('image: host\\n')}; ${step}`]);
    expect(await typed.code).toBe(1);
    expect(typed.stderr.text).toMatch(
      /\nHint: Run the command again to go on, or .* --file instead\. Your text is kept in .*box\.yaml\.\n$/,
    );
    expect(await readFile(remembered, 'utf8')).toBe('image: host\n');
  });

  it('opens it again when the core refuses what it says', async () => {
    const create = vi.spyOn(core.sandboxes, 'create');
    create.mockRejectedValueOnce(
      new FsbError('not_found', 'there is no pool nope', { hint: 'Did you mean x?' }),
    );
    const text = write('image: host\\npool_ref: nope\\nargs: [sleep, "60"]\\n');
    const line = await edit(
      [text, `sed -i '/pool_ref/d' "$1"`],
      ['--yes', '-q', '--id-file', join(directory, 'id')],
    );
    await answer(line, 'Edit it again?', '');
    expect(await line.code).toBe(0);
    expect(line.stderr.text).toContain('Error: there is no pool nope\nHint: Did you mean x?\n');
    const { id } = await core.sandboxes.get({ namespace: 'default', name: 'box' });
    expect([await rounds(), await readFile(join(directory, 'id'), 'utf8')]).toEqual([2, id]);
  });

  it('says where the text is when the core refuses for another reason', async () => {
    const create = vi.spyOn(core.sandboxes, 'create');
    create.mockRejectedValueOnce(new FsbError('no_capacity', 'no room', { hint: 'Make some.' }));
    const line = await edit([write('image: host\\n')], ['--yes']);
    expect(await line.code).toBe(5);
    expect(line.stderr.text).toBe(`Error: no room\nHint: Make some. Your text is kept in ${remembered}.\n`);
  });
});

it('names the editors that are there, where the one that was set is not', async () => {
  for (const there of ['vim', 'vi']) {
    await writeFile(join(directory, there), '');
    await chmod(join(directory, there), 0o755);
  }
  const env = { EDITOR: '/no/such/nano', XDG_STATE_HOME: directory, PATH: directory };
  const line = startCommandLine(['run', 'box'], { core, tty: true, env });
  expect(await line.code).toBe(2);
  expect(line.stderr.text).toBe(
    'Error: the editor "/no/such/nano" was not found\nHint: Set EDITOR to an editor that works (there is vim, vi), or give --image or --file instead.\n',
  );
});

it('names an editor that cannot be executed, with what to set', async () => {
  const editor = join(directory, 'an editor');
  await writeFile(editor, '');
  const env = { EDITOR: `'${editor}'`, XDG_STATE_HOME: directory };
  const line = startCommandLine(['run', 'box'], { core, tty: true, env });
  expect(await line.code).toBe(2);
  expect(line.stderr.text).toContain('cannot be executed\nHint: Set EDITOR to an editor that works');
});

describe('what the line says', () => {
  const see = 'cp "$1" "$1.seen"';
  const seen = (): Promise<string> => readFile(`${remembered}.seen`, 'utf8');
  const specOf = async (name = 'box') => (await core.sandboxes.get({ namespace: 'default', name })).spec;
  const flags = ['-e', 'A=1', '-l', 'team=red', '--cpus', '0.5', '-m', '1g', '--ttl', '90m', '-p', '80'];

  it('stands in the text: command, variables, labels, limits', async () => {
    const line = await edit([see], [...flags, '--yes', '-q', '--', 'sleep', '61']);
    expect(await line.code).toBe(0);
    const text = await seen();
    expect(text).toContain('args:\n  - sleep\n  - "61"\n');
    expect(text).toContain('envs:\n  A: "1"\n');
    expect(text).toContain('resources:\n  cpus: 0.5\n  memory: 1GiB\n');
    expect(text).toContain('ttl: 1h30m\n');
    expect(await specOf()).toMatchObject({
      ...{ image: 'host', args: ['sleep', '61'], envs: { A: '1' }, labels: { team: 'red' } },
      ...{ resources: { cpus: 0.5, memory: 2 ** 30 }, ttl: 90 * 60_000, exposed_ports: [80] },
    });
  });

  it('is no more than a beginning: what is written then counts', async () => {
    const change = `sed -i 's/"61"/"62"/; s/team: red/team: blue/; /A: "1"/d; /^envs:/d' "$1"`;
    const line = await edit([change], [...flags, '--yes', '-q', '--', 'sleep', '61']);
    expect(await line.code).toBe(0);
    expect(await specOf()).toMatchObject({ args: ['sleep', '62'], labels: { team: 'blue' }, envs: {} });
  });

  it('of -i is a comment there, and holds whatever is written', async () => {
    const line = await edit(
      [`${see}; ${write('image: host\\nargs: [cat]\\nstdin: false\\n')}`],
      ['-i', '--yes'],
    );
    line.stdin.end('typed\n');
    expect(await line.code).toBe(0);
    expect(line.stdout.text).toBe('typed\n');
    expect(await seen()).toMatch(/^# stdin: true, by -i of the command line/m);
    expect(await seen()).toMatch(/^# tty: false/m);
  });

  it('goes into the last text of the name, with its comments, and not twice', async () => {
    const words = ['-v', '/etc:/mnt', '-e', 'B=2', '--yes', '-q', '--', 'sleep', '63'];
    const text = '# mine\\nimage: host # here\\nenvs: {A: "1", B: "1"}\\nargs: [sleep, "9"]\\n';
    const first = await edit([write(text)], ['--yes', '-q', '--', 'true']);
    await first.code;
    for (const round of [1, 2]) {
      await core.sandboxes.delete({ namespace: 'default', name: 'box' }, { grace: 0 });
      const line = await edit([`${see}; echo "# ${round}" >> "$1"`], words);
      expect(await line.code).toBe(0);
      expect(await seen()).toMatch(/^# The last text .*\n# mine\nimage: host # here\n/);
      expect(await specOf()).toMatchObject({
        ...{ image: 'host', envs: { A: '1', B: '2' }, args: ['sleep', '63'] },
        mounts: [{ source: '/etc', target: '/mnt', read_only: true }],
      });
    }
  });

  it('leaves the last text as it was when nobody wrote anything', async () => {
    const first = await edit([write('image: host\\nargs: [sleep, "60"]\\n')]);
    await answer(first, 'Create sandbox box', 'n');
    expect(await first.code).toBe(130);
    const second = await edit(['true'], ['-e', 'A=1']);
    await answer(second, 'Create sandbox box', '');
    expect(await second.code).toBe(130);
    expect(await readFile(remembered, 'utf8')).toBe('image: host\nargs: [sleep, "60"]\n');
  });

  it('wins over a last text that cannot be read, once that is mended', async () => {
    const first = await edit([write('image: [host\\n')]);
    await answer(first, 'Edit it again?', 'n');
    await first.code;
    const line = await edit([`${see}; ${write('image: host\\n')}`], ['--yes', '-q', '--', 'sleep', '64']);
    expect(await line.code).toBe(0);
    expect(await seen()).toMatch(/^# The last text .*\nimage: \[host\n$/);
    expect((await specOf()).args).toEqual(['sleep', '64']);
  });
});
