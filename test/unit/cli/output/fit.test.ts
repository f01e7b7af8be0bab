import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { fitted, folded } from '../../../../src/cli/output/fit.ts';

const columns = [
  { title: 'NAME' },
  { title: 'IMAGE' },
  { title: 'NODE', spare: 1 },
  { title: 'AGE', spare: 2 },
];
const rows = [['box', 'registry.example.com/team/tool:1.2.3', 'node-1', '5m']];

describe('a table in a terminal', () => {
  const shown = (width: number | undefined): string[] => {
    const { lines, cut } = fitted(columns, rows, { width, gap: 3 });
    return lines.flat().map((at) => cut(rows[0]![at]!, at));
  };

  it.each([
    [undefined, ['box', 'registry.example.com/team/tool:1.2.3', 'node-1', '5m']],
    [58, ['box', 'registry.example.com/team/tool:1.2.3', 'node-1', '5m']],
    [57, ['box', 'registry.example.com/team/tool:1.2.3', 'node-1']],
    [50, ['box', 'registry.example.com/team/tool:1.2.3']],
    [30, ['box', 'registry.example.com/t…']],
    [5, ['box', 'registr…']],
  ])('of %s columns', (width, cells) => {
    expect(shown(width)).toEqual(cells);
  });

  describe('with what should stay whole, and what goes in need', () => {
    const sandboxes = [
      { title: 'NAME' },
      { title: 'ID', spare: 0, whole: true },
      { title: 'PHASE', whole: true },
      { title: 'IMAGE' },
      { title: 'AGE', spare: -1 },
    ];
    const row = ['build-1', '0123456789ab', 'Failed (SIGKILL)', 'registry.example.com/tool:1', '30m'];
    it.each([
      [80, row],
      [60, ['build-1', '0123456789ab', 'Failed (SIGKILL)', 'registry.…', '30m']],
      [43, ['build-1', 'Failed (SIGKILL)', 'registr…', '30m']],
      [40, ['build-1', 'Failed (SIGKILL)', 'registry.e…']],
      [31, ['build-1', 'Failed (SIGKILL)', 'registry.example.com/tool:1']],
    ])('of %s columns', (width, cells) => {
      const { lines, cut } = fitted(sandboxes, [row], { width, gap: 3 });
      expect(lines.flat().map((at) => cut(row[at]!, at))).toEqual(cells);
    });
  });

  it('cuts the others further where the widest has no more than its title', () => {
    const long = [{ title: 'POOL' }, { title: 'BOOTED WITH' }];
    const { cut } = fitted(long, [['default-pool', '1 cpu, 512MiB, mounts /data']], { width: 22, gap: 3 });
    expect([cut('default-pool', 0), cut('1 cpu, 512MiB', 1)]).toEqual(['default…', '1 cpu, 512…']);
  });

  it('breaks a row between columns where what is whole has no room', () => {
    const whole = [{ title: 'NAME', whole: true }, { title: 'PHASE', whole: true }, { title: 'IMAGE' }];
    const row = ['a-name-of-20-letters', 'Exited (137)', 'alpine'];
    const lines = (width: number): number[][] => fitted(whole, [row], { width, gap: 3 }).lines;
    expect(lines(44)).toEqual([[0, 1, 2]]);
    expect(lines(43)).toEqual([[0, 1], [2]]);
    expect(lines(34)).toEqual([[0], [1, 2]]);
    expect(lines(23)).toEqual([[0], [1], [2]]);
    expect(lines(5)).toEqual([[0], [1], [2]]);
  });

  it('never cuts what people copy, and no column below its least', () => {
    const copied = [
      { title: 'NAME', whole: true },
      { title: 'SOURCE', least: 12 },
      { title: 'AGE', spare: 0 },
    ];
    const row = ['a-name-of-20-letters', 'registry.example.com/tool', '5m'];
    const cells = (width: number): string[] => {
      const { lines, cut } = fitted(copied, [row], { width, gap: 3 });
      return lines.flat().map((at) => cut(row[at]!, at));
    };
    expect(cells(41)).toEqual(['a-name-of-20-letters', 'registry.ex…', '5m']);
    expect(cells(40)).toEqual(['a-name-of-20-letters', 'registry.example…']);
    expect(cells(10)).toEqual(['a-name-of-20-letters', 'registry.ex…']);
  });

  it('has a column in lines that says what to do, and cuts nothing of it', () => {
    const found = 'some are set aside: /var/lib/fsb/state/records.aside-1';
    const checks = [{ title: 'CHECK' }, { title: 'FOUND', folds: true }];
    const { cut } = fitted(checks, [['records', found]], { width: 30, gap: 3 });
    expect(cut(found, 1).split('\n')).toEqual([
      ...['some are set aside:', '/var/lib/fsb/state/r', 'ecords.aside-1'],
    ]);
    expect(cut('fine', 1)).toBe('fine');
  });

  it('loses nothing when it folds, and no line is too long', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '日', 'e\u0301'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 30 }), (words, width) => {
        const lines = folded(words, width);
        expect(lines.join('').replaceAll(' ', '')).toBe(words.replaceAll(' ', ''));
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('counts what a character takes of it, not characters', () => {
    const cells = ['名前名前名前名前', '', '', ''];
    const { cut } = fitted(columns, [cells], { width: 20, gap: 3 });
    expect(cut(cells[0]!, 0)).toBe('名前名前名…');
  });

  it('of very many rows is no different', () => {
    const many = Array.from({ length: 200_000 }, () => ['a', 'b', 'c', 'd']);
    expect(fitted(columns, many, { width: 80, gap: 3 }).lines).toEqual([[0, 1, 2, 3]]);
  });

  it('is as narrow as it can be, and no narrower than it must', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '日', 'é', 'e\u0301', '😀'), maxLength: 40 });
    const texts = fc.array(text, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(texts, fc.nat(200), (row, width) => {
        const { lines, cut } = fitted(columns, [row], { width, gap: 3 });
        const kept = lines.flat();
        const lengths = kept.map((at) => Math.max(stringWidth(cut(row[at]!, at)), columns[at]!.title.length));
        const total = lengths.reduce((sum, each) => sum + each + 3, -3);
        expect(lines.length > 1).toBe(total > width);
        if (kept.some((at) => cut(row[at]!, at) !== row[at]!)) expect(kept).toEqual([0, 1]);
      }),
    );
  });
});
