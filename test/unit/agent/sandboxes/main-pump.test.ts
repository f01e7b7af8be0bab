import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ExpectedReaders } from '../../../../src/core/agent/sandboxes/expected-readers.ts';
import { type Joined, MainPump } from '../../../../src/core/agent/sandboxes/main-pump.ts';
import { Persistence } from '../../../../src/core/agent/sandboxes/persistence.ts';
import type { LogWriter } from '../../../../src/core/logs/log-store.ts';
import type { OutputChunk } from '../../../../src/core/model/process.ts';
import { memoryLog, scriptedMain } from '../../../helpers/core/scripted-main.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const never = new AbortController().signal;
const firmly = () =>
  new Persistence({
    clock: createManualClock(),
    log: pino({ level: 'silent' }),
    what: 'a log',
    hurry: never,
    stop: never,
  });

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('the main pump', () => {
  it.each([
    ['from memory', 1],
    ['from the log, once it was more than is kept', 20_000],
  ])('gives a reader that joins late every byte once, %s', async (_, size) => {
    const [first, second, third, fourth] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(size));
    const main = scriptedMain();
    const log = memoryLog();
    const pump = new MainPump(main.session, log.writer, firmly());
    const running = pump.run();
    main.write(first!);
    main.write(second!);
    await turns();
    const { tap, past } = await pump.join();
    expect(past === undefined).toBe(size > 1);
    const replayed = past?.map(({ data }) => String(data)) ?? [...log.lines];
    main.write(third!);
    main.write(fourth!);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { data } of tap.read()) seen.push(data.toString());
    })();
    await turns();
    main.exit();
    main.end();
    await Promise.all([running, reading]);
    expect([...replayed, ...seen]).toEqual([first, second, third, fourth]);
    expect(log.lines).toEqual([first, second, third, fourth]);
  });

  it.each([0, 1, 2, 3, 4])(
    'gives a reader that joins at any turn every byte once, where the next chunk is there after %i turns',
    async (pause) => {
      const letters = [...'abcdef'];
      const ticks = async (count: number): Promise<void> => {
        for (let tick = 0; tick < count; tick++) await undefined;
      };
      for (let moment = 0; moment < 200; moment++) {
        const { session, exit } = scriptedMain();
        const chunks = letters.map(
          (letter, n): OutputChunk => ({
            ...{ stream: 'stdout', offset: n * 20_000, data: Buffer.alloc(20_000, letter) },
          }),
        );
        const next = (): Promise<IteratorResult<OutputChunk>> => {
          const value = chunks.shift();
          const result = value ? { done: false as const, value } : { done: true as const, value: undefined };
          return pause === 0 ? Promise.resolve(result) : ticks(pause).then(() => result);
        };
        const log = memoryLog();
        const append: LogWriter['append'] = (chunk) => ticks(20).then(() => log.writer.append(chunk));
        const output = { [Symbol.asyncIterator]: () => ({ next }) };
        const pump = new MainPump({ ...session, output }, { ...log.writer, append }, firmly());
        const running = pump.run();
        exit();
        await ticks(moment);
        const { tap, past } = await pump.join();
        const seen = past?.map(({ data }) => String(data)) ?? [...log.lines];
        for await (const { data } of tap.read()) seen.push(data.toString());
        await running;
        expect([moment, seen.map((line) => line[0])]).toEqual([moment, letters]);
      }
    },
  );

  it('does not wait for the log when it has everything in memory', async () => {
    const main = scriptedMain();
    const { writer } = memoryLog();
    const full = new MainPump(main.session, { ...writer, append: () => new Promise(() => {}) }, firmly());
    void full.run();
    main.write('a');
    await turns();
    const { past } = await full.join();
    expect(past?.map(({ data }) => String(data))).toEqual(['a']);
  });

  it('holds the process back to the pace of a slow reader, until it leaves', async () => {
    const main = scriptedMain();
    const log = memoryLog();
    const pump = new MainPump(main.session, log.writer, firmly());
    const running = pump.run();
    const { tap } = await pump.join();
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

  describe('where a core that has gone had readers, who may come back', () => {
    const begin = () => {
      const clock = createManualClock();
      const main = scriptedMain();
      const log = memoryLog();
      const pump = new MainPump(main.session, log.writer, firmly());
      const running = pump.run();
      pump.expect(new ExpectedReaders(2000, clock));
      for (const letter of ['a', 'b', 'c', 'd']) main.write(letter.repeat(300));
      return { clock, main, log, pump, running };
    };
    const letters = ({ lines }: { lines: string[] }): string => lines.map((line) => line[0]).join('');

    it.each([
      ['one of them is there', ({ pump }) => pump.join(true)],
      ['they had their time', ({ clock }) => clock.advance(10_000)],
      ['it has ended', ({ main }) => main.exit()],
    ] as [string, (pumping: ReturnType<typeof begin>) => unknown][])(
      'says no more than a log surely keeps until %s',
      async (_, come) => {
        const pumping = begin();
        const { main, log, pump, clock, running } = pumping;
        await turns();
        expect(letters(log)).toBe('ab');
        const onlooker = await pump.join();
        pump.leave(onlooker.tap);
        await clock.advance(9_000);
        expect(letters(log)).toBe('ab');
        const joined = (await come(pumping)) as Joined | undefined;
        const seen: string[] = [];
        const reading = (async () => {
          for await (const { data } of joined?.tap.read() ?? []) seen.push(data.toString());
        })();
        await turns();
        expect(letters(log)).toBe('abcd');
        main.exit();
        main.end();
        await Promise.all([running, reading]);
        if (joined?.tap) expect([joined.at.stdout, letters({ lines: seen })]).toEqual([600, 'cd']);
        expect(clock.pending).toBe(0);
      },
    );
  });

  it('does not let a stalled reader delay the end, and still gives it everything', async () => {
    const main = scriptedMain();
    const log = memoryLog();
    const pump = new MainPump(main.session, log.writer, firmly());
    const running = pump.run();
    const { tap } = await pump.join();
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
