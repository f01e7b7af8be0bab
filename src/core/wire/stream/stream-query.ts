import type { AttachRequest, ExecRequest } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/errors.ts';
import type { LogQuery } from '../../model/logs.ts';
import type { TerminalSize } from '../../model/process.ts';
import { type Fields, readFields } from './query-fields.ts';

/** Requests of the stream endpoints as URL queries, and exec requests as JSON where they are too long for a URL. */

/** Node refuses request heads above 16 KiB; this leaves room for the other headers. */
const LONGEST_QUERY = 8 * 1024;

export interface ExecTransport {
  query: string;
  /** To be sent as the first frame, when the query says `request=frame`. */
  frame?: ExecRequest;
}

export function execToTransport(request: ExecRequest): ExecTransport {
  const bytes = request.argv.reduce((sum, argument) => sum + argument.length, 0);
  const query = bytes > LONGEST_QUERY ? '' : execToQuery(request).toString();
  if (query !== '' && query.length <= LONGEST_QUERY) return { query };
  return { query: 'request=frame', frame: request };
}

function execToQuery(request: ExecRequest): URLSearchParams {
  const query = new URLSearchParams();
  for (const argument of request.argv) query.append('command', argument);
  for (const [name, value] of Object.entries(request.env)) query.append('env', `${name}=${value}`);
  if (request.cwd !== '') query.set('cwd', request.cwd);
  if (request.user !== '') query.set('user', request.user);
  if (request.tty) query.set('tty', 'true');
  if (request.stdin) query.set('stdin', 'true');
  if (request.detach) query.set('detach', 'true');
  return withSize(query, request.size);
}

/** @throws invalid_argument */
export function execFromQuery(query: URLSearchParams): ExecRequest {
  const fields = readFields(query, {
    command: 'texts',
    env: 'texts',
    cwd: 'text',
    user: 'text',
    tty: 'flag',
    stdin: 'flag',
    detach: 'flag',
    rows: 'count',
    cols: 'count',
    window: 'count',
    // Kubernetes clients say which outputs they want; ours sends both.
    stdout: 'flag',
    stderr: 'flag',
    container: 'text',
  });
  if (fields.command.length === 0)
    throw new FsbError('invalid_argument', 'exec needs a command: none was given');
  return {
    argv: fields.command,
    env: Object.fromEntries(fields.env.map(splitVariable)),
    cwd: fields.cwd ?? '',
    user: fields.user ?? '',
    tty: fields.tty ?? false,
    stdin: fields.stdin ?? false,
    ...(fields.detach === undefined ? {} : { detach: fields.detach }),
    ...sizeOf(fields),
  };
}

/** @throws invalid_argument */
export function execFromJson(value: Record<string, unknown>): ExecRequest {
  const { argv, env, cwd, user, tty, stdin, detach, size } = value;
  const wellFormed =
    isTexts(argv) && argv.length > 0 && isTextMap(env) && typeof cwd === 'string' && typeof user === 'string';
  if (
    !wellFormed ||
    typeof tty !== 'boolean' ||
    typeof stdin !== 'boolean' ||
    (size !== undefined && !isSize(size))
  )
    throw new FsbError('invalid_argument', 'the exec request is not well-formed', {
      hint: 'It needs argv, env, cwd, user, tty and stdin; detach and size may be left out.',
    });
  return {
    ...{ argv, env, cwd, user, tty, stdin },
    ...(typeof detach === 'boolean' ? { detach } : {}),
    ...(size === undefined ? {} : { size: { rows: size.rows, cols: size.cols } }),
  };
}

export function attachToQuery(request: AttachRequest): string {
  const query = new URLSearchParams({ stdin: String(request.stdin), replay: String(request.replay) });
  return withSize(query, request.size).toString();
}

/** @throws invalid_argument */
export function attachFromQuery(query: URLSearchParams): AttachRequest {
  const fields = readFields(query, {
    stdin: 'flag',
    replay: 'flag',
    rows: 'count',
    cols: 'count',
    window: 'count',
    stdout: 'flag',
    stderr: 'flag',
    tty: 'flag',
    container: 'text',
  });
  return { stdin: fields.stdin ?? false, replay: fields.replay ?? false, ...sizeOf(fields) };
}

export function logsToQuery(query: LogQuery): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(
    entries.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
}

/** @throws invalid_argument */
export function logsFromQuery(query: URLSearchParams): LogQuery {
  const { follow, stdout, stderr, ...rest } = readFields(query, {
    follow: 'flag',
    stdout: 'flag',
    stderr: 'flag',
    tail: 'count',
    since: 'time',
    until: 'time',
    afterSeq: 'count',
    window: 'count',
  });
  const { window: _, ...limits } = rest;
  const present = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return { follow: follow ?? false, stdout: stdout ?? true, stderr: stderr ?? true, ...present };
}

function withSize(query: URLSearchParams, size: TerminalSize | undefined): URLSearchParams {
  if (size !== undefined) {
    query.set('rows', String(size.rows));
    query.set('cols', String(size.cols));
  }
  return query;
}

function sizeOf(fields: Pick<Fields<{ rows: 'count'; cols: 'count' }>, 'rows' | 'cols'>): {
  size?: TerminalSize;
} {
  if (fields.rows === undefined || fields.cols === undefined) return {};
  return { size: { rows: fields.rows, cols: fields.cols } };
}

function splitVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new FsbError('invalid_argument', `env must be NAME=VALUE, not ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isTextMap(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && isTexts(Object.values(value));
}

function isSize(value: unknown): value is TerminalSize {
  if (typeof value !== 'object' || value === null) return false;
  const { rows, cols } = value as Record<string, unknown>;
  return Number.isInteger(rows) && Number.isInteger(cols);
}
