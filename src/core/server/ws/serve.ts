import type { CoreApi } from '../../api/core-api.ts';
import type { ExecRequest } from '../../api/sandbox-api.ts';
import { execFromJson, execFromQuery } from '../../wire/stream/exec-request.ts';
import type { Connection } from './connection.ts';

/** What streams reach. */
export type StreamedCore = Pick<CoreApi, 'sandboxes' | 'pools'>;

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
