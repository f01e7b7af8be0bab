import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInput } from '../../../../src/cli/spec/read-input.ts';
import type { World } from '../../../../src/cli/terminal/world.ts';

let directory: string;
const writers: ChildProcess[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fsb-input-'));
  execFileSync('mkfifo', ['pipe', 'other'], { cwd: directory });
  writeFileSync(join(directory, 'file'), 'text');
});

afterAll(() => {
  for (const writer of writers) writer.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

const read = (file: string, signal = new AbortController().signal): Promise<string> =>
  readInput(file, { cwd: directory } as World, signal);

const sh = (script: string): void => {
  writers.push(spawn('sh', ['-c', script], { cwd: directory, stdio: 'ignore' }));
};

describe('a file', () => {
  it('that is no UTF-8 is refused, and not changed without a word', async () => {
    writeFileSync(join(directory, 'latin1'), Buffer.from('A=é\nB=é\n', 'latin1'));
    writeFileSync(join(directory, 'other-line'), Buffer.from('A=\u00c3\u00a9\nB=\u00e9\n', 'latin1'));
    await expect(read('latin1')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'line 1 of latin1 has bytes that are no UTF-8',
    });
    await expect(read('other-line')).rejects.toThrow('line 2 of other-line has bytes that are no UTF-8');
  });

  it('that has the replacement character itself, and a mark of byte order, is read as it is', async () => {
    writeFileSync(join(directory, 'replaced'), '\uFEFFA=\uFFFD');
    expect(await read('replaced')).toBe('\uFEFFA=\uFFFD');
  });

  it('is read, from where the command was called', async () => {
    expect(await read('file')).toBe('text');
  });

  it.each([
    [
      'none',
      'not_found',
      'cannot read none: there is no such file',
      'See what there is with: ls -a DIRECTORY',
    ],
    ['.', 'invalid_argument', 'cannot read .: it is a directory', 'Name a file in it.'],
  ])('%s that cannot be read is refused', async (file, code, message, hint) => {
    await expect(read(file)).rejects.toMatchObject({
      code,
      message,
      hint: hint.replace('DIRECTORY', directory),
    });
  });
});

describe('a pipe', () => {
  it.each([
    ['that is written to later, in pieces', '{ sleep 0.2; echo a; sleep 0.2; echo b; } > pipe', 'a\nb\n'],
    ['that is written to first', 'echo a > pipe', 'a\n'],
    ['that is ended without a word', 'sleep 0.2; : > pipe', ''],
  ])('%s', async (_, script, text) => {
    sh(script);
    expect(await read('pipe')).toBe(text);
  });

  it('that nobody writes to holds up neither its reader nor those of other files', async () => {
    const limit = new AbortController();
    // More than the threads there are.
    const waiting = Array.from({ length: 8 }, () => read('other', limit.signal));
    expect(await read('file')).toBe('text');
    limit.abort(new Error('enough'));
    for (const each of waiting) await expect(each).rejects.toThrow('enough');
    // Nobody reads it any more, either.
    const opening = open(join(directory, 'other'), constants.O_WRONLY | constants.O_NONBLOCK);
    await expect(opening).rejects.toMatchObject({ code: 'ENXIO' });
  });
});
