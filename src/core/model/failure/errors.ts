/** The one error type and the one table that maps its codes to every outside vocabulary. */

interface CodeMapping {
  /** gRPC status number. */
  grpc: number;
  http: number;
  /** Exit code of the command line. */
  exit: number;
}

export const errorCodes = {
  invalid_argument: { grpc: 3, http: 400, exit: 2 },
  not_found: { grpc: 5, http: 404, exit: 3 },
  /** That very thing can be pulled or imported; the command line pulls it on `run`. */
  image_not_found: { grpc: 5, http: 404, exit: 3 },
  already_exists: { grpc: 6, http: 409, exit: 4 },
  /** The thing is in a state that forbids the call. */
  conflict: { grpc: 9, http: 409, exit: 4 },
  no_capacity: { grpc: 8, http: 429, exit: 5 },
  /** The core cannot be reached or is going away. */
  unavailable: { grpc: 14, http: 503, exit: 6 },
  /** What the caller wants to go on from is no longer remembered, or was never here: it has to begin anew. */
  outdated: { grpc: 11, http: 410, exit: 6 },
  denied: { grpc: 7, http: 403, exit: 7 },
  unauthenticated: { grpc: 16, http: 401, exit: 7 },
  timeout: { grpc: 4, http: 504, exit: 124 },
  cancelled: { grpc: 1, http: 499, exit: 130 },
  /** The core could not run the command: no runtime, boot failure, lost instance. */
  run_failed: { grpc: 10, http: 500, exit: 125 },
  not_executable: { grpc: 9, http: 422, exit: 126 },
  command_not_found: { grpc: 9, http: 422, exit: 127 },
  /** An image is damaged, lies about itself, or is none: the fault of its registry or of the disk, not of who asked. */
  bad_image: { grpc: 15, http: 502, exit: 1 },
  unsupported: { grpc: 12, http: 501, exit: 1 },
  internal: { grpc: 13, http: 500, exit: 1 },
} as const satisfies Record<string, CodeMapping>;

export type ErrorCode = keyof typeof errorCodes;

/** What crosses a wire or is printed under `-o json`; a cause never leaves the process. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  hint?: string;
}

/** One wrong part of a request: `resources.memory`, and what is wrong with it. */
export interface Violation {
  field: string;
  description: string;
}

export interface FsbErrorOptions {
  /** What the reader can do about it, one sentence. */
  hint?: string;
  /** The message in parts, for programs. */
  violations?: Violation[];
  /** After how many seconds the same call may go well; left out: as its code says. */
  retryAfter?: number;
  cause?: unknown;
}

/** When the same call may go well without any change: seconds after which to try. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = { unavailable: 1, no_capacity: 1 };

/** `message` says what failed, on what, and why: "cannot start sandbox box: image foo is not here". */
export class FsbError extends Error {
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly violations?: readonly Violation[];
  readonly #retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: FsbErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FsbError';
    this.code = code;
    if (options.hint !== undefined) this.hint = options.hint;
    if (options.violations !== undefined) this.violations = options.violations;
    this.#retryAfter = options.retryAfter;
  }

  /** Seconds after which the same call may go well; undefined: never, unless something changes. */
  get retryAfter(): number | undefined {
    return this.#retryAfter ?? RETRY_AFTER[this.code];
  }

  get exitCode(): number {
    return errorCodes[this.code].exit;
  }

  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    };
  }

  static fromBody(body: ErrorBody): FsbError {
    return new FsbError(body.code, body.message, { hint: body.hint });
  }

  /** Total: whatever was thrown becomes an FsbError; what is unknown becomes `internal`. */
  static from(thrown: unknown): FsbError {
    if (thrown instanceof FsbError) return thrown;
    if (thrown instanceof Error && thrown.name === 'AbortError')
      return new FsbError('cancelled', 'the call was cancelled', { cause: thrown });
    if (thrown instanceof Error && thrown.name === 'TimeoutError')
      return new FsbError('timeout', 'the call took longer than its deadline', { cause: thrown });
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new FsbError('internal', message, { hint: hintOf(thrown), cause: thrown });
  }
}

/** Of what does not know our class and knows what to do: bin/run.js. */
export function hintOf(thrown: unknown): string | undefined {
  const { hint } = Object(thrown) as { hint?: unknown };
  return thrown instanceof Error && typeof hint === 'string' ? hint : undefined;
}

/** A start that fails with one of these leaves a Failed record to ask `get` about; any other leaves nothing. */
export const failedStartCodes: ReadonlySet<ErrorCode> = new Set([
  'run_failed',
  'command_not_found',
  'not_executable',
]);

/** Whether it is that the connection broke under what was begun, which may have been done. */
export const isLost = ({ code, cause }: FsbError): boolean =>
  code === 'run_failed' && cause instanceof FsbError && cause.code === 'unavailable';

/** The same failure, for one to whom it means something else than to those who found it. */
export function recoded(error: unknown, from: ErrorCode, to: ErrorCode, otherHint?: string): unknown {
  if (!(error instanceof FsbError) || error.code !== from) return error;
  return new FsbError(to, error.message, { hint: error.hint ?? otherHint, cause: error });
}

/** The code that a program of ours ended with this exit code for, the first of those that share it. */
export function codeOfExit(exit: number): ErrorCode | undefined {
  return (Object.keys(errorCodes) as ErrorCode[]).find((code) => errorCodes[code].exit === exit);
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCodes, value);
}

/** Throws the signal's reason as an FsbError when it is already aborted. */
export function throwIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw FsbError.from(signal.reason);
}
