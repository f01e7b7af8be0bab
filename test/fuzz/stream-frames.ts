import fc from 'fast-check';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import { readLeaseRequest } from '../../src/core/model/pool/lease-request.ts';
import { execFromJson, execFromQuery } from '../../src/core/wire/stream/exec-request.ts';
import {
  channels,
  decodeAck,
  decodeFrame,
  decodeJson,
  decodePosition,
  decodeResize,
  decodeSignal,
  encodeAck,
  encodeJson,
  encodePosition,
  encodeResize,
  encodeSignal,
  type Frame,
} from '../../src/core/wire/stream/frames.ts';
import { decodeLog, encodeLog } from '../../src/core/wire/stream/log-frame.ts';
import { runFromJson, runFromQuery } from '../../src/core/wire/stream/run-request.ts';
import { decodeStatus, encodeStatus } from '../../src/core/wire/stream/stream-end.ts';
import { attachFromQuery, logsFromQuery, portsFromQuery } from '../../src/core/wire/stream/stream-query.ts';
import { corpusFiles } from './corpus-files.ts';
import { mutated } from './mutations.ts';

const exec = { argv: ['sh'], env: { A: '1' }, cwd: '/', user: '', tty: true, stdin: true };
const run = { image: 'host', resources: { cpus: 1, memory: '64m' }, wait: 5, exec };

const seeds = [
  encodeResize({ rows: 24, cols: 80 }),
  encodeSignal(9),
  encodeAck(2 ** 40),
  encodePosition('stderr', 77),
  encodeJson(channels.request, { ...exec, size: { rows: 1, cols: 1 }, detach: false }),
  encodeJson(channels.request, run),
  encodeJson(channels.started, { window: 10 }),
  encodeLog({ stream: 'stdout', time: 1.5, seq: 10, data: Buffer.from('ab\n'), dropped: 3 }),
  encodeStatus({ kind: 'exit', status: { code: null, signal: 9, oomKilled: true } }),
  encodeStatus({ kind: 'error', error: new FsbError('conflict', 'no', { hint: 'do' }) }),
  Buffer.from('command=sh&command=-c&env=A%3D1&tty=1&rows=1&cols=2&window=9&wait=1e3&cpus=.5&tail=3&since=0'),
  // As an earlier version wrote them.
  ...corpusFiles('stream-frames'),
];

/** What either end does with a message, by its channel; and with the text of a URL. */
const readers: ((message: Frame) => unknown)[] = [
  ({ channel, payload }) => {
    const ofChannel: Record<number, (payload: Buffer) => unknown> = {
      [channels.resize]: decodeResize,
      [channels.signal]: decodeSignal,
      [channels.ack]: decodeAck,
      [channels.position]: decodePosition,
      [channels.log]: decodeLog,
      [channels.status]: decodeStatus,
      [channels.started]: decodeJson,
    };
    return ofChannel[channel]?.(payload);
  },
  ({ payload }) => execFromJson(decodeJson(payload)),
  ({ payload }) => {
    const { exec: _, ...terms } = runFromJson('p', decodeJson(payload));
    return readLeaseRequest(terms);
  },
  ...[execFromQuery, attachFromQuery, logsFromQuery, portsFromQuery].map(
    (fromQuery) => (message: Frame) => fromQuery(new URLSearchParams(message.payload.toString())),
  ),
  ({ payload }) => runFromQuery('p', new URLSearchParams(payload.toString())),
];

/** A message of the stream protocol is read, or refused as the argument of somebody that it is. */
export const streamFramesProperty = () =>
  fc.property(mutated(seeds), fc.option(fc.constantFrom(...Object.values(channels))), (message, channel) => {
    for (const read of readers)
      try {
        const frame = decodeFrame(message);
        read(channel === null ? frame : { ...frame, channel });
      } catch (error) {
        if (!(error instanceof FsbError) || error.code !== 'invalid_argument') throw error;
      }
  });
