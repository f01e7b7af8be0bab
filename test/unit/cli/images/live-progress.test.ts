import { describe, expect, it } from 'vitest';
import { layerLine } from '../../../../src/cli/images/layer-line.ts';
import { LiveProgress } from '../../../../src/cli/images/live-progress.ts';
import type { LayerProgress, LayerState } from '../../../../src/core/model/image/pull.ts';
import { Recorder, TypedInput } from '../../../helpers/cli/command-line.ts';
import { Screen } from '../../../helpers/cli/screen.ts';
import { imageInfo } from '../../../helpers/image/image-info.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const MIB = 1024 ** 2;
const layer = (id: string, state: LayerState, current = 0, total = 12 * MIB): LayerProgress => ({
  ...{ id, state, current, total },
});

function terminal(columns: number, rows: number) {
  const stderr = Object.assign(new Recorder(), { isTTY: true, columns, rows });
  const clock = createManualClock();
  const world = { terminal: { stdin: new TypedInput(), stdout: new Recorder(), stderr }, env: {}, clock };
  const progress = new LiveProgress(world);
  const resolved = (...layers: LayerProgress[]) =>
    progress.on({ kind: 'resolved', reference: 'docker.io/library/a:1', digest: 'sha256:1', layers });
  const shown = () => new Screen(stderr.columns, stderr.rows).write(stderr.text).lines;
  return { stderr, clock, progress, resolved, shown };
}

const many = (count: number, state: (at: number) => LayerState): LayerProgress[] =>
  Array.from({ length: count }, (_, at) => layer(`layer${String(at).padStart(2, '0')}`, state(at), 3 * MIB));

describe('a line of a layer', () => {
  it.each([
    [80, 'abc: Downloading [============>                                     ] 3MiB/12MiB'],
    [50, 'abc: Downloading [=====>              ] 3MiB/12MiB'],
    [36, 'abc: Downloading [=>    ] 3MiB/12MiB'],
    [30, 'abc: Downloading 3MiB/12MiB'],
    [10, 'abc: Downl'],
  ])('fits in %i columns', (width, text) => {
    const line = layerLine(layer('abc', 'downloading', 3 * MIB), width);
    expect(line.length).toBeLessThanOrEqual(width);
    expect(line).toBe(text);
  });

  it('has no bar where nothing is to measure', () => {
    expect(layerLine(layer('abc', 'done'), 80)).toBe('abc: Pull complete');
    expect(layerLine(layer('abc', 'downloading', 5, 0), 80)).toBe('abc: Downloading 5B');
    expect(layerLine(layer('abc', 'unpacking', 20, 10), 40)).toContain('=] 10B/10B');
  });
});

describe('progress on a terminal', () => {
  it('redraws each layer in place, and ends below them', async () => {
    const { progress, resolved, clock, shown, stderr } = terminal(80, 24);
    await resolved(layer('aaa', 'present'), layer('bbb', 'waiting'));
    await clock.advance(1000);
    await progress.on({ kind: 'layer', layer: layer('bbb', 'downloading', 6 * MIB) });
    expect(shown()).toEqual([
      '1: Pulling from library/a',
      'aaa: Already exists',
      expect.stringMatching(/^bbb: Downloading \[=+> +\] 6MiB\/12MiB$/),
      '',
    ]);
    await progress.on({ kind: 'note', message: 'retried' });
    await progress.on({ kind: 'layer', layer: layer('bbb', 'done') });
    const done = {
      reference: 'docker.io/library/a:1',
      digest: 'sha256:1',
      upToDate: false,
      image: imageInfo(),
    };
    await progress.on({ kind: 'done', ...done });
    await progress.close();
    expect(shown()).toEqual([
      ...['1: Pulling from library/a', 'retried', 'aaa: Already exists', 'bbb: Pull complete'],
      ...['Digest: sha256:1', 'Status: Downloaded newer image for a:1', ''],
    ]);
    expect(stderr.listenerCount('resize')).toBe(0);
  });

  it('draws not more often than an eye can follow, and nothing is left out in the end', async () => {
    const { progress, resolved, clock, shown, stderr } = terminal(80, 24);
    await resolved(layer('aaa', 'waiting'));
    const before = stderr.text.length;
    for (let at = 1; at <= 100; at++)
      await progress.on({ kind: 'layer', layer: layer('aaa', 'downloading', at * 1024) });
    expect(stderr.text.length).toBe(before);
    await clock.advance(100);
    expect(shown()[1]).toContain('100KiB/12MiB');
  });

  it('shows what fits of many layers: those at which something happens', async () => {
    const { resolved, shown, progress } = terminal(60, 8);
    const states = (at: number): LayerState => (at < 10 ? 'done' : at < 13 ? 'downloading' : 'waiting');
    await resolved(...many(20, states));
    expect(shown().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '1: Pulling',
      ...['layer10: Downloading', 'layer11: Downloading', 'layer12: Downloading'],
      ...['layer13: Pulling', 'layer14: Pulling', 'and 15', ''],
    ]);
    expect(shown().at(-2)).toBe('and 15 more: 10 complete, 5 to come');
    await progress.close();
    expect(shown()).toHaveLength(8);
  });

  it('takes away what a ctrl-C left on the line of the cursor', async () => {
    const { resolved, stderr, shown, progress } = terminal(60, 8);
    await resolved(layer('aaa', 'downloading'));
    stderr.write('^C');
    await progress.close();
    expect(shown().join('\n')).not.toContain('^C');
    expect(shown().at(-1)).toBe('');
  });

  it('finds its first line again when the terminal became narrower and wrapped the lines', async () => {
    const { resolved, stderr, progress } = terminal(60, 24);
    await resolved(layer('aaa', 'downloading', MIB), layer('bbb', 'waiting'));
    // As a terminal that wraps shows it: the first layer takes two rows now.
    const narrow = new Screen(40, 24).write(stderr.text);
    expect(narrow.lines).toHaveLength(5);
    const before = stderr.text.length;
    stderr.columns = 40;
    stderr.emit('resize');
    await progress.close();
    narrow.write(stderr.text.slice(before));
    expect(narrow.lines).toEqual([
      '1: Pulling from library/a',
      expect.stringMatching(/^aaa: Downloading \[=*> +\] 1MiB\/12MiB$/),
      'bbb: Pulling fs layer',
      '',
    ]);
  });
});
