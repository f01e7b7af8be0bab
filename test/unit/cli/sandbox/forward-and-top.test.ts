import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePorts } from '../../../../src/cli/forward/ports.ts';
import { render } from '../../../../src/cli/output/output.ts';
import { processListing } from '../../../../src/cli/top/process-view.ts';
import { parseProcesses } from '../../../../src/cli/top/processes.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';

describe('ports', () => {
  it.each([
    ['80', { local: 80, remote: 80 }],
    ['8080:80', { local: 8080, remote: 80 }],
    ['0:65535', { local: 0, remote: 65_535 }],
    [':80', { local: 0, remote: 80 }],
  ])('%s', (text, pair) => {
    expect(parsePorts(text)).toEqual(pair);
  });

  it.each(['', '0', '80:0', '70000', '1:70000', '70000:1', '-1', 'a', '1:2:3', '80 '])('not %j', (text) => {
    expect(() => parsePorts(text)).toThrow(/invalid ports/);
  });
});

describe('processes', () => {
  const said = [
    '100 1000.50',
    '0 7 1 250 90050 34816 root sh -c while true',
    '0 9 1 3 90060 0 root /.fsb-init tar-in -- /tmp',
    '1000 5 1 12345 50 0 - worker \u001b[2J --flag',
    '',
  ].join('\n');

  it('are read as fsb-init says them, but for its own tools', () => {
    expect(parseProcesses(said)).toEqual([
      { uid: 1000, pid: 5, ppid: 1, used: 123_450, age: 1_000_000, command: 'worker \u001b[2J --flag' },
      {
        uid: 0,
        user: 'root',
        pid: 7,
        ppid: 1,
        used: 2500,
        age: 100_000,
        tty: 'pts/0',
        command: 'sh -c while true',
      },
    ]);
  });

  it('are shown as ps -ef does', async () => {
    const listing = processListing(parseProcesses(said), Date.now());
    const text = await render(listing, { format: 'table', quiet: false, colors: false });
    const [title, ...rows] = text.trimEnd().split('\n');
    expect(title).toMatch(/^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
    expect(rows[0]).toMatch(/^1000 +5 +1 +12 +\d\d:\d\d +\? +00:02:03 +worker \?\[2J --flag$/);
    expect(rows[1]).toMatch(/^root +7 +1 +2 +\d\d:\d\d +pts\/0 +00:00:02 +sh -c while true$/);
    expect(await render(listing, { format: 'table', quiet: true, colors: false })).toBe('5\n7\n');
  });

  it('of a sandbox that lies are an error, and nothing else', () => {
    for (const text of ['', '100 1', '0 1\n', 'x\n', '100 1\nnonsense\n', '100 1\n1 2 3 4 5 6 root\n'])
      expect(() => parseProcesses(text)).toThrow(/nonsense/);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789 .-\nroot') }), (text) => {
        try {
          parseProcesses(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FsbError);
        }
      }),
    );
  });
});
