import { describe, expect, it } from 'vitest';
import { ProgressLine } from '../../../../src/cli/output/progress-line.ts';
import type { World } from '../../../../src/cli/terminal/world.ts';
import { Recorder } from '../../../helpers/cli/command-line.ts';

const TEXT = 'copied 3.1MiB of 12MiB';

async function shown(columns: number | undefined): Promise<string> {
  const stderr = Object.assign(new Recorder(), { isTTY: true, columns });
  await new ProgressLine({ terminal: { stderr }, env: {} } as unknown as World).show(TEXT);
  return stderr.text.replace('\r\u001b[K', '');
}

describe('a line of progress', () => {
  it.each([
    [80, TEXT],
    [10, TEXT.slice(0, 9)],
    [1, TEXT.slice(0, 1)],
    [0, TEXT],
    [undefined, TEXT],
  ])('on a terminal of %s columns', async (columns, text) => {
    expect(await shown(columns)).toBe(text);
  });
});
