import { describe, expect, it } from 'vitest';
import { MainPump } from '../../../src/core/agent/main-pump.ts';
import type { LogWriter } from '../../../src/core/logs/log-store.ts';
import type { ExitStatus, OutputChunk, ProcessSession } from '../../../src/core/model/process.ts';

/** A main process whose output and end the test decides. */
function scriptedMain() {
  const queue: OutputChunk[] = [];
  let wake = (): void => {};
  let ended = false;
  let offset = 0;
  let exit: (status: ExitStatus) => void = () => {};
  const exited = new Promise<ExitStatus>((resolve) => {
    exit = resolve;
  });
  async function* output() {
    for (;;) {
      const chunk = queue.shift();
      if (chunk) yield chunk;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const session = { output: output(), exited } as unknown as ProcessSession;
  return {
    session,
    /** How many chunks the pump has not asked for yet. */
    waiting: () => queue.length,
    write(text: string) {
      queue.push({ stream: 'stdout', offset, data: Buffer.from(text) });
      offset += text.length;
      wake();
    },
    exit: () => exit({ code: 0, signal: null }),
    end() {
      ended = true;
      wake();
    },
  };
}

function memoryLog() {
  const lines: string[] = [];
  const writer = {
    append: async ({ data }: OutputChunk) => void lines.push(data.toString()),
  } as unknown as LogWriter;
  return { lines, writer };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('the main pump', () => {
  it('gives a reader that joins late every byte once: the log up to then, the rest live', async () => {
    const main = scriptedMain();
    const log = memoryLog();
    const pump = new MainPump(main.session, log.writer);
    const running = pump.run();
    main.write('a');
    main.write('b');
    await turns();
    const tap = await pump.join();
    const replayed = [...log.lines];
    main.write('c');
    main.write('d');
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { data } of tap.read()) seen.push(data.toString());
    })();
    await turns();
    main.exit();
    main.end();
    await Promise.all([running, reading]);
    expect([...replayed, ...seen]).toEqual(['a', 'b', 'c', 'd']);
    expect(log.lines).toEqual(['a', 'b', 'c', 'd']);
  });

  it('holds the process back to the pace of a slow reader, until it leaves', async () => {
    const main = scriptedMain();
    const log = memoryLog();
    const pump = new MainPump(main.session, log.writer);
    const running = pump.run();
    const tap = await pump.join();
    for (const text of ['a', 'b', 'c', 'd']) main.write(text);
    await turns();
    expect(main.waiting()).toBe(3);
    pump.leave(tap);
    await turns();
    expect(log.lines).toEqual(['a', 'b', 'c', 'd']);
    main.exit();
    main.end();
    await running;
  });

  it('does not let a stalled reader delay the end, and still gives it everything', async () => {
    const main = scriptedMain();
    const log = memoryLog();
    const pump = new MainPump(main.session, log.writer);
    const running = pump.run();
    const tap = await pump.join();
    for (const text of ['a', 'b', 'c']) main.write(text);
    main.exit();
    main.end();
    await running;
    expect(log.lines).toEqual(['a', 'b', 'c']);
    const late: string[] = [];
    for await (const { data } of tap.read()) late.push(data.toString());
    expect(late).toEqual(['a', 'b', 'c']);
  });
});
