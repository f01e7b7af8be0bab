import {
  type ErrorBody,
  type ErrorCode,
  errorCodes,
  FsbError,
  isErrorCode,
} from '../model/failure/errors.ts';

/** Trailing metadata entry with the error's JSON body; `-bin` because messages are UTF-8 and metadata is ASCII. */
export const ERROR_METADATA = 'fsb-error-bin';

// Peers refuse trailers above some 16 KiB, and would then report that instead of the error.
const LONGEST_MESSAGE = 4096;
const LONGEST_DETAILS = 1024;

export interface GrpcStatus {
  code: number;
  details: string;
  /** Value of ERROR_METADATA. */
  body: Buffer;
}

export function toGrpcStatus(thrown: unknown): GrpcStatus {
  const { code, message, hint } = FsbError.from(thrown).toBody();
  const body: ErrorBody = {
    code,
    message: shorten(message, LONGEST_MESSAGE),
    ...(hint === undefined ? {} : { hint: shorten(hint, LONGEST_MESSAGE) }),
  };
  return {
    code: errorCodes[code].grpc,
    details: shorten(message, LONGEST_DETAILS),
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** Total: a status without our entry, or with a broken one, is mapped by its number. */
export function fromGrpcStatus(code: number, details: string, body?: Uint8Array): FsbError {
  const exact = body === undefined ? undefined : parseErrorBody(body);
  if (exact !== undefined) return FsbError.fromBody(exact);
  return new FsbError(
    codeOfNumber(code),
    details === '' ? `the core answered with gRPC status ${code}` : details,
  );
}

/** Undefined when the bytes are no JSON error body of ours. */
export function parseErrorBody(bytes: Uint8Array): ErrorBody | undefined {
  try {
    return asErrorBody(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return undefined;
  }
}

export function asErrorBody(value: unknown): ErrorBody | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, message, hint } = value as Record<string, unknown>;
  if (!isErrorCode(code) || typeof message !== 'string') return undefined;
  return { code, message, ...(typeof hint === 'string' ? { hint } : {}) };
}

// Several of our codes share FAILED_PRECONDITION; of a foreign one we know only that the state forbids the call.
function codeOfNumber(number: number): ErrorCode {
  const found = Object.entries(errorCodes).find(([, mapping]) => mapping.grpc === number);
  return found === undefined ? 'internal' : (found[0] as ErrorCode);
}

/** At most so many characters. */
export function shorten(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 3)}...`;
}
