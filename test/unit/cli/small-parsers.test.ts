import { describe, expect, it } from 'vitest';
import { flagsOf, wayToChange } from '../../../src/cli/local/flags/serve-flags.ts';
import { logLevel } from '../../../src/cli/local/log/log-level.ts';
import { logEntryView } from '../../../src/cli/logs/log-printer.ts';
import { parseMoment, parseTail } from '../../../src/cli/logs/time-query.ts';
import { chooseEditor } from '../../../src/cli/spec/editor.ts';
import { LineStamper, preciseTimestamp } from '../../../src/core/model/line-stamper.ts';
import type { StreamName } from '../../../src/core/model/process.ts';
import type { CoreStatus } from '../../../src/core/root/status-file.ts';

describe('logLevel', () => {
  it.each([
    [undefined, 'info'],
    ['', 'info'],
    ['DEBUG', 'debug'],
    ['silent', 'silent'],
  ])('%j -> %s', (text, level) => expect(logLevel({ FSB_LOG_LEVEL: text })).toBe(level));
});

it.each([
  [[], undefined],
  [
    ['--max=5', '--no-pause-idle'],
    'To change them: fsb-ctl pool update default-pool --max=5 --no-pause-idle',
  ],
  [['--max=5', '--http=off'], 'To change them: fsb-ctl daemon restart --max=5 --http=off'],
])('what changes a core that runs: %j', (given, way) => expect(wayToChange(given)).toBe(way));

it('changes only what is other than it has; a policy may be other by now', () => {
  const before = ['--http=off', '--max=5'];
  expect(wayToChange(['--http=off'], before)).toBe('It has these flags already.');
  expect(wayToChange(before, before)).toBe('To change them: fsb-ctl pool update default-pool --max=5');
  expect(wayToChange(['--http=off', '--metrics=off'], before)).toBe(
    'To change them: fsb-ctl daemon restart --metrics=off',
  );
});

describe('what a core was started with', () => {
  const core = { pid: 7, flags: ['--http=off'] } as Partial<CoreStatus> as CoreStatus;

  it('is nothing where none runs, else what it says', () => {
    expect([flagsOf(undefined), flagsOf(core)]).toEqual([[], ['--http=off']]);
  });

  it('is not guessed', () => {
    const silent = { ...core, flags: undefined } as Partial<CoreStatus> as CoreStatus;
    expect(() => flagsOf(silent)).toThrow(
      expect.objectContaining({
        ...{ code: 'conflict', message: 'the core (pid 7) cannot say which flags it was started with' },
        hint: expect.stringContaining('fsb-ctl daemon stop, then fsb-ctl daemon start [FLAGS]'),
      }),
    );
  });
});

describe('times', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  it.each([
    ['10m', now - 600_000],
    ['1700000000', 1_700_000_000_000],
    ['1700000000.5', 1_700_000_000_500],
    ['2026-03-01T10:00:00Z', now - 7_200_000],
    ['2026-03-01T10:00:00.25+02:00', now - 4 * 3_600_000 + 250],
  ])('%s', (text, time) => expect(parseMoment(text, now, 'since')).toBe(time));

  it.each([['yesterday'], [''], ['2026-13-01'], ['2026-02-31'], ['2026-02-30T10:00:00Z'], ['-5m']])(
    'refuses %j',
    (text) => expect(() => parseMoment(text, now, 'since')).toThrow('--since: invalid time'),
  );

  it('shows microseconds', () => expect(preciseTimestamp(now + 1.25)).toBe('2026-03-01T12:00:00.001250Z'));

  it.each([
    ['all', undefined],
    ['0', 0],
    ['20', 20],
  ])('tail %s', (text, lines) => expect(parseTail(text)).toBe(lines));
  it.each([['-1'], ['x'], ['1.5'], ['']])('refuses tail %j', (text) =>
    expect(() => parseTail(text)).toThrow('--tail'),
  );
});

describe('log lines', () => {
  const entry = (stream: StreamName, text: string) => ({ stream, time: 0, seq: 1, data: Buffer.from(text) });

  it('stamps each line once, however it was cut, each stream for itself', () => {
    const stamper = new LineStamper();
    const stamp = '1970-01-01T00:00:00.000000Z ';
    const out = [
      entry('stdout', 'a\nb'),
      entry('stderr', 'x'),
      entry('stdout', 'c\n'),
      entry('stdout', '\n'),
    ].map((e) => stamper.push(e).toString());
    expect(out).toEqual([`${stamp}a\n${stamp}b`, `${stamp}x`, 'c\n', `${stamp}\n`]);
  });

  it('gives bytes that are no text as base64', () => {
    expect(logEntryView({ ...entry('stdout', ''), data: Buffer.of(0xff) })).toMatchObject({
      text: null,
      base64: '/w==',
    });
    expect(logEntryView(entry('stdout', 'é'))).toMatchObject({ text: 'é', base64: null });
  });
});

describe('the editor', () => {
  it.each([
    [{ VISUAL: 'code --wait', EDITOR: 'vi' }, 'ex', [], 'code --wait'],
    [{ VISUAL: '', EDITOR: 'ed' }, 'ex', [], 'ed'],
    [{ EDITOR: '', PATH: '/a' }, 'ex', ['/a/vim'], 'ex'],
    [{ PATH: '/a:/b' }, undefined, ['/b/vi', '/a/vim'], 'vim'],
    [{ PATH: '/a:/b' }, undefined, ['/b/nano', '/a/vim'], 'nano'],
  ])('%j', (env, configured, files, editor) =>
    expect(chooseEditor(env, configured, (path) => (files as string[]).includes(path))).toBe(editor),
  );

  it('says what to do when there is none', () => {
    expect(() => chooseEditor({ PATH: '/a' }, undefined, () => false)).toThrow('no editor found');
  });
});
