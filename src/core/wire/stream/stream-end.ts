import { type ErrorCode, errorCodes, FsbError } from '../../model/failure/errors.ts';
import { type ExitStatus, exitCodeOf } from '../../model/process.ts';
import { asErrorBody } from '../error-status.ts';
import { channels, decodeJson, encodeJson, malformed } from './frames.ts';

/** How a stream ended: a process that exited, a stream that is complete, or an error. */
export type StreamEnd =
  | { kind: 'exit'; status: ExitStatus }
  | { kind: 'done' }
  | { kind: 'error'; error: FsbError };

/**
 * The last frame of a stream: a Kubernetes Status object, as Kubernetes clients expect it, and beside its fields the
 * truth in our own terms: `exit` {code, signal, oomKilled} or `error` {code, message, hint}.
 */
export function encodeStatus(end: StreamEnd): Buffer {
  return encodeJson(channels.status, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    ...statusFields(end),
  });
}

function statusFields(end: StreamEnd): object {
  if (end.kind === 'done') return { status: 'Success' };
  if (end.kind === 'error') return { status: 'Failure', ...errorFields(end.error) };
  const code = exitCodeOf(end.status);
  if (code === 0) return { status: 'Success', exit: end.status };
  return {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
    exit: end.status,
  };
}

/** The words of Kubernetes for errors of its own. */
const REASONS: Partial<Record<ErrorCode, string>> = {
  ...{ invalid_argument: 'BadRequest', unauthenticated: 'Unauthorized', denied: 'Forbidden' },
  ...{ not_found: 'NotFound', image_not_found: 'NotFound' },
  ...{ already_exists: 'AlreadyExists', conflict: 'Conflict', outdated: 'Expired' },
  ...{ no_capacity: 'TooManyRequests', unavailable: 'ServiceUnavailable', timeout: 'Timeout' },
};

function errorFields(error: FsbError): object {
  return {
    reason: REASONS[error.code] ?? 'InternalError',
    message: error.message,
    code: errorCodes[error.code].http,
    error: error.toBody(),
  };
}

/** @throws invalid_argument when it is not a Status of a core */
export function decodeStatus(payload: Buffer): StreamEnd {
  const { kind, status, exit, error } = decodeJson(payload);
  if (kind !== 'Status') throw malformed('a status that is no Status object');
  if (exit !== undefined) return { kind: 'exit', status: asExit(exit) };
  const body = asErrorBody(error);
  if (body !== undefined) return { kind: 'error', error: FsbError.fromBody(body) };
  if (status === 'Success') return { kind: 'done' };
  throw malformed('a status without an exit and without an error');
}

function asExit(value: unknown): ExitStatus {
  if (typeof value !== 'object' || value === null) throw malformed('an exit that is no object');
  const { code, signal, oomKilled } = value as Record<string, unknown>;
  const exit = { code: inRange(code, 0, 255), signal: inRange(signal, 1, 64) };
  if ((exit.code === null) === (exit.signal === null))
    throw malformed('an exit without exactly one of code and signal');
  return { ...exit, ...(typeof oomKilled === 'boolean' ? { oomKilled } : {}) };
}

function inRange(value: unknown, least: number, most: number): number | null {
  if (value === null || value === undefined) return null;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw malformed('an exit with a number out of range');
}
