import { expect, it } from 'vitest';
import { type LogEntry, wholeLog } from '../../../src/core/model/logs.ts';
import { errorOf, readUntil, type Workbench } from '../workbench.ts';

export function logCases(bench: Workbench): void {
  const text = async (entries: AsyncIterable<LogEntry>): Promise<string> => {
    const pieces: Buffer[] = [];
    for await (const { data } of entries) pieces.push(Buffer.from(data));
    return Buffer.concat(pieces).toString();
  };

  it('follows a log until the sandbox has ended', async () => {
    const box = await bench.shell('for i in 1 2 3; do echo line $i; sleep 0.05; done');
    expect(await text(bench.core.sandboxes.logs(box, { ...wholeLog, follow: true }))).toBe(
      'line 1\nline 2\nline 3\n',
    );
    await bench.core.sandboxes.rename(box, `${box.name}-renamed`);
    const again = bench.core.sandboxes.logs(box, { ...wholeLog, sandboxId: box.id, afterSeq: 7 });
    expect(await text(again)).toBe('line 2\nline 3\n');
  });

  it('gives the whole log of an ended sandbox, with times and growing numbers', async () => {
    const box = await bench.shell('echo a; read _; echo b >&2; read _; echo c', { stdin: true });
    // Each is there before the next is said: what comes together on one stream is one entry.
    const session = await bench.core.sandboxes.attach(box, { stdin: true, replay: true });
    const output = session.output[Symbol.asyncIterator]();
    for (const line of ['a\n', 'b\n']) {
      await readUntil(output, line);
      await session.write(Buffer.from('\n'));
    }
    await bench.core.sandboxes.wait(box);
    await session.close();
    const entries: LogEntry[] = [];
    for await (const entry of bench.core.sandboxes.logs(box, wholeLog)) entries.push(entry);
    expect(entries.map(({ stream, data }) => [stream, data.toString()])).toEqual([
      ['stdout', 'a\n'],
      ['stderr', 'b\n'],
      ['stdout', 'c\n'],
    ]);
    const seqs = entries.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    for (const { time } of entries) expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
    const rest = bench.core.sandboxes.logs(box, { ...wholeLog, afterSeq: seqs[0]! });
    expect(await text(rest)).toBe('b\nc\n');
  });

  it('chooses streams and the last lines', async () => {
    const box = await bench.shell('for i in 1 2 3 4; do echo o$i; echo e$i >&2; sleep 0.03; done');
    await bench.core.sandboxes.wait(box);
    const { sandboxes } = bench.core;
    expect(await text(sandboxes.logs(box, { ...wholeLog, stderr: false }))).toBe('o1\no2\no3\no4\n');
    expect(await text(sandboxes.logs(box, { ...wholeLog, stdout: false, tail: 2 }))).toBe('e3\ne4\n');
    expect(await text(sandboxes.logs(box, { ...wholeLog, tail: 0 }))).toBe('');
  });

  it('ends when its reader breaks off or cancels', async () => {
    const box = await bench.shell('echo here; while :; do sleep 1000; done');
    const follow = { ...wholeLog, follow: true };
    for await (const entry of bench.core.sandboxes.logs(box, follow)) {
      expect(entry.data.toString()).toBe('here\n');
      break;
    }
    const cancel = new AbortController();
    const reading = errorOf(text(bench.core.sandboxes.logs(box, follow, { signal: cancel.signal })));
    cancel.abort();
    expect(await reading).toMatchObject({ code: 'cancelled' });
  });
}
