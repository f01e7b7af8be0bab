import type { ExecRequest } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { execFromJson, execFromQuery } from '../../wire/stream/exec-request.ts';
import type { Served } from '../served.ts';
import type { Connection } from './connection.ts';

/** What streams reach. */
export type StreamedCore = Pick<Served, 'sandboxes' | 'pools' | 'agent'>;

/** Serves one stream to its end. Queries are read inside, so that a wrong one is told over the stream, as all errors are. */
export type Serve = (connection: Connection, core: StreamedCore, query: URLSearchParams) => Promise<void>;

/** The request of a stream: from the URL, or from the first frame where it was too long for one. */
export async function requestOf<Request>(
  connection: Connection,
  query: URLSearchParams,
  fromQuery: (query: URLSearchParams) => Request,
  fromJson: (value: Record<string, unknown>) => Request,
): Promise<Request> {
  return query.get('request') === 'frame' ? fromJson(await connection.firstRequest()) : fromQuery(query);
}

/** @throws invalid_argument */
export const execRequestOf = (connection: Connection, query: URLSearchParams): Promise<ExecRequest> =>
  requestOf(connection, query, execFromQuery, execFromJson);

/** A part of a path. @throws invalid_argument for a broken escape */
export function decoded(name: string, pathname: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new FsbError('invalid_argument', `the path ${pathname} has a broken escape`);
  }
}
