import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readableLine, readableLines } from '../../../../src/cli/local/log/log-lines.ts';
import { corePaths } from '../../../../src/core/model/paths.ts';
import { runCommandLine } from '../../../helpers/cli/command-line.ts';

const TIME = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const line = (level: number, rest: object) => JSON.stringify({ level, time: TIME, pid: 7, ...rest });

it.each([
  [line(30, { msg: 'ready' }), 'INFO  ready'],
  [
    line(40, { component: 'agent', sandbox: 'c3', count: 2, what: 'a b', msg: 'slow' }),
    'WARN  slow component=agent sandbox=c3 count=2 what="a b"',
  ],
  [
    line(50, {
      err: { type: 'Error', message: 'no room', stack: 'Error: no room\n  at x' },
      limits: { cpus: 1 },
      msg: 'failed',
    }),
    'ERROR failed err="no room" limits={"cpus":1}',
  ],
  [line(35, { msg: 'its own level', text: '' }), '35    its own level text=""'],
  [line(60, { msg: 'drives \u001b[2J the terminal' }), 'FATAL drives ?[2J the terminal'],
])('shows %s for people', (json, text) => {
  expect(readableLine(json)).toBe(`2026-01-02T03:04:05.006Z ${text}`);
});

it.each(['', 'null', '{"msg":"no time"}', 'Segmentation fault', '{"level":30,"time":"soon","msg":"x"}'])(
  'leaves %j as it is: it is no line of ours',
  (text) => expect(readableLine(text)).toBe(text),
);

it('shows whole lines, wherever the bytes are parted, and what stays of one at the end', async () => {
  const bytes = Buffer.from(`${line(30, { msg: 'größer' })}\n\nof a torn li`);
  for (let at = 1; at < bytes.length; at += 1) {
    let text = '';
    for await (const part of readableLines(parts(bytes.subarray(0, at), bytes.subarray(at)))) text += part;
    expect(text).toBe('2026-01-02T03:04:05.006Z INFO  größer\n\nof a torn li\n');
  }
});

async function* parts(...chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsb-logs-'));
});

afterEach(() => rm(root, { recursive: true }));

it('is for people on a terminal, or in a format of theirs, and as it was written elsewhere', async () => {
  const written = `${line(30, { msg: 'first' })}\n${line(30, { msg: 'ready', version: '1' })}\n`;
  const { log } = corePaths({ FSB_ROOT: root }, 0);
  await mkdir(dirname(log), { recursive: true });
  await writeFile(log, written);
  const logs = async (flags: string, tty: boolean) =>
    (await runCommandLine(`daemon logs --root ${root} ${flags}`.trim().split(' '), { tty })).stdout;
  const readable = '2026-01-02T03:04:05.006Z INFO  ready version=1\n';
  expect(await logs('-n 1', true)).toBe(readable);
  expect(await logs('-n 1 -o table', false)).toBe(readable);
  for (const [flags, tty] of [
    ['', false],
    ['-o json', true],
    ['--json', true],
  ] as const)
    expect(await logs(flags, tty)).toBe(written);
});
