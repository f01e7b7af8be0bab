import { type ErrorCode, errorCodes } from '../../model/failure/errors.ts';

/** Why a stream's WebSocket was closed. An error that has a code of ours closes with 4000 + its HTTP status. */
export const closeCodes = {
  done: 1000,
  goingAway: 1001,
  protocol: 1002,
  noText: 1007,
  tooManyParts: 1008,
  tooLong: 1009,
  internal: 1011,
} as const;

export function closeCodeOf(code: ErrorCode): number {
  if (code === 'unavailable') return closeCodes.goingAway;
  return code === 'internal' ? closeCodes.internal : 4000 + errorCodes[code].http;
}

/** A close reason holds 123 bytes; a longer one would throw. Cut between characters. */
export function closeReason(text: string): string {
  let reason = text.slice(0, 123);
  while (Buffer.byteLength(reason) > 123) reason = reason.slice(0, -1);
  return reason;
}
