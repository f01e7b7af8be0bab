import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { ProcessSession } from '../../../../src/core/model/process.ts';
import type { Connection } from '../../../../src/core/server/ws/connection.ts';
import { ProcessInput } from '../../../../src/core/server/ws/process-input.ts';
import {
  channels,
  decodeAck,
  decodeFrame,
  encodeFrame,
  encodeResize,
  encodeSignal,
} from '../../../../src/core/wire/stream/frames.ts';
import { heapInUse } from '../../../helpers/heap-in-use.ts';

/** What the two ends see, in order. */
function ends() {
  const seen: string[] = [];
  const acked: number[] = [];
  let isPaused = false;
  const connection = {
    own: true,
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
    },
    hold: () => {},
    send: (frame: Buffer) => acked.push(decodeAck(decodeFrame(frame).payload)),
  } as unknown as Connection;
  const session = {
    write: async (data: Uint8Array) => void seen.push(`write ${Buffer.from(data)}`),
    endInput: () => seen.push('end'),
    resize: ({ rows }: { rows: number }) => seen.push(`rows ${rows}`),
    signal: (number: number) => seen.push(`signal ${number}`),
  } as unknown as ProcessSession;
  return { seen, acked, connection, session, isPaused: () => isPaused };
}

const stdin = (text: string): Buffer => encodeFrame(channels.stdin, Buffer.from(text));
const close = encodeFrame(channels.close, Buffer.of(channels.stdin));

describe('what a client sends to a process', () => {
  it('before it is there comes to it in order, and of sizes the last', async () => {
    const { seen, acked, connection, session } = ends();
    const opening = deferred<ProcessSession>();
    const input = new ProcessInput(connection, opening.promise);
    const frames = [
      stdin('a'),
      encodeResize({ rows: 1, cols: 1 }),
      encodeSignal(2),
      stdin('b'),
      close,
      close,
    ];
    for (const frame of [...frames, encodeResize({ rows: 9, cols: 1 }), stdin('late')])
      input.handle(decodeFrame(frame));
    expect(seen).toEqual([]);
    opening.resolve(session);
    await setImmediate();
    expect(seen).toEqual(['rows 9', 'signal 2', 'write a', 'write b', 'end']);
    expect(acked).toEqual([2, 4]);
  });

  it('is bounded until then, however many frames there are', () => {
    const { connection, isPaused } = ends();
    const input = new ProcessInput(connection, new Promise(() => {}));
    for (let i = 0; i < 100_000; i++) {
      input.handle(decodeFrame(encodeResize({ rows: 1, cols: 1 })));
      input.handle(decodeFrame(close));
    }
    expect(isPaused()).toBe(false);
    const signals = (): void => {
      for (let i = 0; i < 100; i++) input.handle(decodeFrame(encodeSignal(15)));
    };
    expect(signals).toThrow('signals for a process that has not begun');
    const other = ends();
    const flooded = new ProcessInput(other.connection, new Promise(() => {}));
    for (let i = 0; i <= 512 * 1024; i++) flooded.handle(decodeFrame(stdin('')));
    expect(other.isPaused()).toBe(true);
  });

  it('takes little more than its bytes, however small its frames are', () => {
    const { connection, isPaused } = ends();
    const before = heapInUse();
    const input = new ProcessInput(connection, new Promise(() => {}));
    // As they come: each is a message of its own.
    for (let i = 0; i < 200_000; i++) input.handle(decodeFrame(Buffer.from([channels.stdin, 97])));
    expect(heapInUse() - before).toBeLessThan(4 * 1024 * 1024);
    expect(isPaused()).toBe(false);
    input.handle(decodeFrame(close));
  });

  it('goes nowhere, and takes nothing, when the process fails', async () => {
    const { connection, acked } = ends();
    const failing = {
      write: () => Promise.reject(new FsbError('run_failed', 'lost')),
      endInput: () => {
        throw new FsbError('run_failed', 'lost');
      },
      signal: () => {
        throw new FsbError('conflict', 'ended');
      },
    } as unknown as ProcessSession;
    const input = new ProcessInput(connection, Promise.resolve(failing));
    await setImmediate();
    for (const frame of [stdin('a'), encodeSignal(1), close]) input.handle(decodeFrame(frame));
    await setImmediate();
    expect(acked).toEqual([2]);
  });
});

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
