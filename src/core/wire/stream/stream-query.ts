import type { AttachRequest } from '../../api/sandbox-api.ts';
import type { LogQuery } from '../../model/logs.ts';
import { readFields } from './query-fields.ts';
import { sizeOf, withSize } from './terminal-size.ts';

/** Requests of streams that always fit into the URL. */

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
    sandboxId: 'text',
    window: 'count',
  });
  const { window: _, ...limits } = rest;
  const present = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return { follow: follow ?? false, stdout: stdout ?? true, stderr: stderr ?? true, ...present };
}
