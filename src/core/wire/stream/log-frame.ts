import type { LogEntry } from '../../model/logs.ts';
import { channels, decodeJson, encodeFrame, encodeJson, malformed, readCount, streamOf } from './frames.ts';

// u8 stream, f64 time, u64 sequence number, u8 whether something was dropped, u64 dropped bytes, then the data.
const HEADER = 26;

export function encodeLog(entry: LogEntry): Buffer {
  const payload = Buffer.allocUnsafe(HEADER + entry.data.length);
  payload[0] = channels[entry.stream];
  payload.writeDoubleBE(entry.time, 1);
  payload.writeBigUInt64BE(BigInt(entry.seq), 9);
  payload[17] = entry.dropped === undefined ? 0 : 1;
  payload.writeBigUInt64BE(BigInt(entry.dropped ?? 0), 18);
  payload.set(entry.data, HEADER);
  return encodeFrame(channels.log, payload);
}

/** Where a reader of a log is, and of whose. */
export interface LogPlace {
  sandboxId: string;
  afterSeq: number;
}

export const encodeLogBegin = (place: LogPlace): Buffer => encodeJson(channels.logBegin, place);

/** @throws invalid_argument */
export function decodeLogBegin(payload: Buffer): LogPlace {
  const { sandboxId, afterSeq } = decodeJson(payload);
  if (typeof sandboxId === 'string' && Number.isSafeInteger(afterSeq) && (afterSeq as number) >= 0)
    return { sandboxId, afterSeq: afterSeq as number };
  throw malformed('a beginning of a log that is none');
}

/** The data is a view on the payload. @throws invalid_argument */
export function decodeLog(payload: Buffer): LogEntry {
  if (payload.length < HEADER) throw malformed('a log entry that is too short');
  const dropped = readCount(payload, 18);
  return {
    stream: streamOf(payload[0]),
    time: payload.readDoubleBE(1),
    seq: readCount(payload, 9),
    data: payload.subarray(HEADER),
    ...(payload[17] === 0 ? {} : { dropped }),
  };
}
