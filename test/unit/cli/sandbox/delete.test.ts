import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import {
  type CommandLine,
  type CommandLineOptions,
  runCommandLine,
  startCommandLine,
} from '../../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';

let core: HostCore;
const fsb = (line: string, options: CommandLineOptions = {}) =>
  runCommandLine(line.split(' '), { core, ...options });
const onTerminal = (line: string): CommandLine =>
  startCommandLine(line.split(' '), { core, tty: true, env: { TERM: 'xterm' } });
const left = async (): Promise<string[]> => (await core.sandboxes.list({})).map(({ name }) => name).sort();

beforeEach(async () => {
  core = hostCore();
  for (const line of ['run a -l team=red', 'run b -l team=red', 'run c'])
    expect((await fsb(`${line} --image host -- sleep 60`)).code).toBe(0);
});

afterEach(async () => {
  await core.close();
});

describe('delete of many, on a terminal', () => {
  it('names them, asks, and takes Enter for no', async () => {
    const line = onTerminal('delete --all');
    await line.stderr.until('Delete 3 sandboxes?');
    expect(line.stderr.text).toContain('This deletes\n  a\n  b\n  c\n');
    expect(line.stderr.text).toContain('(y/N)');
    line.stdin.write('\r');
    expect(await line.code).toBe(130);
    expect(line.stderr.text).toContain('cancelled, nothing was deleted');
    expect(await left()).toEqual(['a', 'b', 'c']);
  });

  it('does it after a yes', async () => {
    const line = onTerminal('rm --selector team=red --grace 0s');
    await line.stderr.until('Delete 2 sandboxes?');
    line.stdin.write('y\r');
    expect(await line.code).toBe(0);
    expect(line.stdout.text).toBe('a\nb\n');
    expect(await left()).toEqual(['c']);
  });

  it('asks about one as one, and is cancelled by ctrl-C', async () => {
    const line = onTerminal('delete -l team!=red');
    await line.stderr.until('Delete 1 sandbox?');
    line.stdin.write('\u0003');
    expect(await line.code).toBe(130);
    expect(await left()).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['--no-color', 'xterm'],
    ['', 'dumb'],
  ])('asks with nothing but letters: %j, TERM=%s', async (flag, TERM) => {
    const line = `delete --all --grace 0s ${flag}`.trim().split(' ');
    const asked = startCommandLine(line, { core, tty: true, env: { TERM } });
    await asked.stderr.until('(y/N) ');
    asked.stdin.write('Yes\n');
    expect(await asked.code).toBe(0);
    expect(asked.stderr.text).not.toContain('\u001b');
    expect(asked.stdin.isRaw).toBe(false);
    expect(await left()).toEqual([]);
  });

  it.each([
    ['ctrl-C', 130, (line: CommandLine) => void line.events.emit('SIGINT')],
    ['ctrl-D', 130, (line: CommandLine) => void line.stdin.end()],
    ['Enter', 130, (line: CommandLine) => void line.stdin.write('\n')],
    ['a word that is no yes', 130, (line: CommandLine) => void line.stdin.write('perhaps\n')],
  ])('keeps everything at %s, asked so', async (_, code, answer) => {
    const line = startCommandLine('delete --all --no-color'.split(' '), { core, tty: true });
    await line.stderr.until('(y/N) ');
    answer(line);
    expect(await line.code).toBe(code);
    expect(await left()).toEqual(['a', 'b', 'c']);
  });

  it.each(['delete --all -f', 'delete --all --yes --grace 0s', 'delete --all -y --grace 0s'])(
    '%s does not ask',
    async (words) => {
      const line = onTerminal(words);
      expect(await line.code).toBe(0);
      expect(line.stderr.text).not.toContain('Delete');
      expect(await left()).toEqual([]);
    },
  );

  it.each(['delete --all -l team=blue', 'delete -l team=blue', 'delete --grace 0s a'])(
    '%s has nothing to ask',
    async (words) => {
      const line = onTerminal(words);
      await line.code;
      expect(line.stderr.text).not.toContain('Delete');
    },
  );
});

it('never asks where there is no terminal', async () => {
  expect(await fsb('delete --all --grace 0s')).toEqual({ code: 0, stdout: 'a\nb\nc\n', stderr: '' });
});

it.each([
  ['delete -t 0 a aa b', 'See what there is with: fsb-ctl list -a'],
  ['delete -t 0 aa b', 'Did you mean a?'],
])('%s: what the same line deletes is not what was meant by another word', async (words, hint) => {
  const error = new FsbError('not_found', 'sandbox aa does not exist', { hint: 'Did you mean a?' });
  const remove: CoreApi['sandboxes']['delete'] = (ref, options) =>
    ref.name === 'aa' ? Promise.reject(error) : core.sandboxes.delete(ref, options);
  const guessing = { ...core, sandboxes: { ...core.sandboxes, delete: remove } };
  const { code, stderr } = await runCommandLine(words.split(' '), { core: guessing });
  expect([code, stderr]).toEqual([3, `Error: sandbox aa does not exist\nHint: ${hint}\n`]);
});

describe('the grace period', () => {
  it.each([
    ['delete -f a', 0],
    ['delete a', undefined],
    ['delete --grace 3s a', 3000],
    ['delete -f --grace 3s a', 3000],
    ['rm -t 3 a', 3000],
    ['delete --time 3s a', 3000],
  ])('of %s', async (words, grace) => {
    const remove = vi.spyOn(core.sandboxes, 'delete').mockResolvedValue();
    expect((await fsb(words)).code).toBe(0);
    expect(remove.mock.calls[0]![1]).toMatchObject({ grace });
  });
});
