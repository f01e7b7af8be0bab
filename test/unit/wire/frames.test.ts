import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorCodes, FsbError, isErrorCode } from '../../../src/core/model/failure/errors.ts';
import type { LogEntry } from '../../../src/core/model/logs.ts';
import type { ExitStatus } from '../../../src/core/model/process.ts';
import { closeCodeOf, closeReason } from '../../../src/core/wire/stream/close-codes.ts';
import * as frames from '../../../src/core/wire/stream/frames.ts';
import { decodeLog, encodeLog } from '../../../src/core/wire/stream/log-frame.ts';
import { decodeStatus, encodeStatus } from '../../../src/core/wire/stream/stream-end.ts';

const { channels } = frames;
const bytes = fc.uint8Array({ maxLength: 2000 }).map((array) => Buffer.from(array));
const stream = fc.constantFrom('stdout' as const, 'stderr' as const);
const payloadOf = (message: Buffer, channel: number): Buffer => {
  const frame = frames.decodeFrame(message);
  expect(frame.channel).toBe(channel);
  return frame.payload;
};

describe('frames', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), bytes, (channel, payload) => {
        expect(frames.decodeFrame(frames.encodeFrame(channel, payload))).toEqual({ channel, payload });
      }),
    );
  });

  it('carry sizes, signals, acknowledgements and positions', () => {
    const count = fc.maxSafeNat();
    const dimension = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(
        dimension,
        dimension,
        fc.integer({ min: 1, max: 64 }),
        count,
        stream,
        (rows, cols, n, at, name) => {
          const resize = payloadOf(frames.encodeResize({ rows, cols }), channels.resize);
          expect(JSON.parse(resize.toString())).toEqual({ Width: cols, Height: rows });
          expect(frames.decodeResize(resize)).toEqual({ rows, cols });
          expect(frames.decodeSignal(payloadOf(frames.encodeSignal(n), channels.signal))).toBe(n);
          expect(frames.decodeAck(payloadOf(frames.encodeAck(at), channels.ack))).toBe(at);
          const position = payloadOf(frames.encodePosition(name, at), channels.position);
          expect(frames.decodePosition(position)).toEqual({ stream: name, offset: at });
        },
      ),
    );
  });

  it('carry log entries exactly', () => {
    const entry: fc.Arbitrary<LogEntry> = fc
      .record({
        stream,
        time: fc.double({ noNaN: true }),
        seq: fc.maxSafeNat(),
        data: bytes,
        dropped: fc.option(fc.maxSafeNat(), { nil: undefined }),
      })
      .map(({ dropped, ...rest }) => ({ ...rest, ...(dropped === undefined ? {} : { dropped }) }));
    fc.assert(
      fc.property(entry, (log) => {
        expect(decodeLog(payloadOf(encodeLog(log), channels.log))).toEqual(log);
      }),
    );
  });

  it('carry the exit exactly, and tell it in the words of Kubernetes', () => {
    const exit = fc.oneof(
      fc.record({ code: fc.integer({ min: 0, max: 255 }), signal: fc.constant(null) }),
      fc.record({
        code: fc.constant(null),
        signal: fc.integer({ min: 1, max: 64 }),
        oomKilled: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(exit as fc.Arbitrary<ExitStatus>, (status) => {
        const payload = payloadOf(encodeStatus({ kind: 'exit', status }), channels.status);
        expect(decodeStatus(payload)).toEqual({ kind: 'exit', status });
        const kubernetes = JSON.parse(payload.toString()) as Record<string, unknown>;
        expect(kubernetes).toMatchObject({
          kind: 'Status',
          status: status.code === 0 ? 'Success' : 'Failure',
        });
        if (status.code !== 0)
          expect(kubernetes.details).toEqual({
            causes: [{ reason: 'ExitCode', message: String(status.code ?? 128 + status.signal!) }],
          });
      }),
    );
  });

  it('carry errors with code, message and hint', () => {
    for (const code of Object.keys(errorCodes).filter(isErrorCode)) {
      const error = new FsbError(code, 'what failed: why', { hint: 'do this' });
      const end = decodeStatus(payloadOf(encodeStatus({ kind: 'error', error }), channels.status));
      expect(end.kind === 'error' && end.error.toBody()).toEqual(error.toBody());
    }
    expect(decodeStatus(payloadOf(encodeStatus({ kind: 'done' }), channels.status))).toEqual({
      kind: 'done',
    });
  });

  it.each<[ErrorCode, string, number]>([
    ['invalid_argument', 'BadRequest', 400],
    ['unauthenticated', 'Unauthorized', 401],
    ['denied', 'Forbidden', 403],
    ['image_not_found', 'NotFound', 404],
    ['conflict', 'Conflict', 409],
    ['no_capacity', 'TooManyRequests', 429],
    ['unavailable', 'ServiceUnavailable', 503],
    ['run_failed', 'InternalError', 500],
  ])('tell Kubernetes clients of %s with the reason %s', (code, reason, status) => {
    const payload = payloadOf(
      encodeStatus({ kind: 'error', error: new FsbError(code, 'no') }),
      channels.status,
    );
    expect(JSON.parse(payload.toString())).toMatchObject({ status: 'Failure', reason, code: status });
  });

  it('are refused, never misread, when they are malformed', () => {
    const decoders = [
      frames.decodeFrame,
      frames.decodeResize,
      frames.decodeSignal,
      frames.decodeAck,
      frames.decodePosition,
      decodeLog,
      decodeStatus,
    ];
    fc.assert(
      fc.property(fc.constantFrom<(payload: Buffer) => unknown>(...decoders), bytes, (decode, payload) => {
        try {
          decode(payload);
        } catch (error) {
          expect(error).toBeInstanceOf(FsbError);
        }
      }),
    );
    expect(() => frames.decodeSignal(Buffer.of(0))).toThrow(/signal/);
    expect(() => frames.decodeSignal(Buffer.of(65))).toThrow(/signal/);
    expect(() => decodeStatus(Buffer.from('{"kind":"Status","exit":{"code":1,"signal":9}}'))).toThrow(
      /exactly one/,
    );
    expect(() => decodeStatus(Buffer.from('{"kind":"Status","exit":{"code":null,"signal":null}}'))).toThrow();
    expect(() => decodeStatus(Buffer.from('{"kind":"Status","status":"Failure"}'))).toThrow();
  });
});

describe('close codes', () => {
  it('are codes that a WebSocket may send, with a reason that fits', () => {
    for (const code of Object.keys(errorCodes).filter(isErrorCode)) {
      const number = closeCodeOf(code);
      expect(number === 1001 || number === 1011 || (number >= 4000 && number <= 4999)).toBe(true);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        expect(Buffer.byteLength(closeReason(text))).toBeLessThanOrEqual(123);
        expect(text.startsWith(closeReason(text))).toBe(true);
      }),
    );
  });
});
