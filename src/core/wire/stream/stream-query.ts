import type { AttachRequest } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { LogQuery } from '../../model/logs.ts';
import type { StreamName } from '../../model/process.ts';
import { decodeFlag, readFields } from './query-fields.ts';
import { sizeOf, withSize } from './terminal-size.ts';

/** Requests of streams that always fit into the URL. */

export function attachToQuery(request: AttachRequest): string {
  const { stdin, stdinOnce, replay, from } = request;
  const query = new URLSearchParams({ stdin: String(stdin), replay: String(replay) });
  if (stdinOnce) query.set('stdinOnce', 'true');
  if (from !== undefined) {
    query.set('sandboxId', from.sandboxId);
    query.set('fromStdout', String(from.stdout));
    query.set('fromStderr', String(from.stderr));
  }
  return withSize(query, request.size).toString();
}

export const attachFields = {
  stdin: 'flag',
  stdinOnce: 'flag',
  replay: 'flag',
  sandboxId: 'text',
  fromStdout: 'count',
  fromStderr: 'count',
  rows: 'count',
  cols: 'count',
  window: 'count',
  stdout: 'flag',
  stderr: 'flag',
  tty: 'flag',
  container: 'text',
} as const;

/** @throws invalid_argument */
export function attachFromQuery(query: URLSearchParams): AttachRequest {
  const fields = readFields(query, attachFields);
  const {
    stdin = false,
    stdinOnce,
    replay = false,
    sandboxId,
    fromStdout: stdout,
    fromStderr: stderr,
  } = fields;
  const from =
    sandboxId !== undefined && stdout !== undefined && stderr !== undefined
      ? { sandboxId, stdout, stderr }
      : undefined;
  if (from === undefined && (sandboxId ?? stdout ?? stderr) !== undefined)
    throw new FsbError('invalid_argument', 'the query does not say where to go on', {
      hint: 'Say all of sandboxId, fromStdout and fromStderr.',
    });
  return { stdin, ...(stdinOnce && { stdinOnce }), replay, ...(from && { from }), ...sizeOf(fields) };
}

/** Which outputs a client wants: those that it does not refuse. The query was read before: what is wrong in it is told there. */
export const wantedOutput = (query: URLSearchParams): ReadonlySet<StreamName> =>
  new Set((['stdout', 'stderr'] as const).filter((stream) => decodeFlag(query.get(stream) ?? '') !== false));

/** Each is a connection from the first moment on. */
const MOST_PORTS = 32;

export const portFields = { port: 'texts', ports: 'texts', window: 'count', container: 'text' } as const;

/** `port=80`; Kubernetes clients say `ports=80`, again and again or with commas. @throws invalid_argument */
export function portsFromQuery(query: URLSearchParams): number[] {
  const { port, ports } = readFields(query, portFields);
  const texts = [...port, ...ports].flatMap((text) => text.split(','));
  if (texts.length === 0 || texts.length > MOST_PORTS)
    throw new FsbError('invalid_argument', `there are ${texts.length} ports in the query`, {
      hint: `Say port=NUMBER, or ports=NUMBER up to ${MOST_PORTS} times.`,
    });
  return texts.map(asPort);
}

function asPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new FsbError('invalid_argument', `${JSON.stringify(text)} is no port`, {
    hint: 'Ports have the numbers 1 to 65535.',
  });
}

/** Whether each line is to begin with its time. Read as `wantedOutput` is. */
export const wantsTimestamps = (query: URLSearchParams): boolean =>
  decodeFlag(query.get('timestamps') ?? 'false') === true;

export function logsToQuery(query: LogQuery): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(
    entries.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
}

export const logFields = {
  follow: 'flag',
  timestamps: 'flag',
  stdout: 'flag',
  stderr: 'flag',
  tail: 'count',
  since: 'time',
  until: 'time',
  afterSeq: 'count',
  sandboxId: 'text',
  window: 'count',
} as const;

/** `timestamps`, which is for clients that get the bytes alone, is no part of it. @throws invalid_argument */
export function logsFromQuery(query: URLSearchParams): LogQuery {
  const { follow, stdout, stderr, timestamps: _timestamps, ...rest } = readFields(query, logFields);
  const { window: _, ...limits } = rest;
  const present = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return { follow: follow ?? false, stdout: stdout ?? true, stderr: stderr ?? true, ...present };
}
