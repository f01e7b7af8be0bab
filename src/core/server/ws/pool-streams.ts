import { runFromJson, runFromQuery } from '../../wire/stream/run-request.ts';
import { wantedOutput } from '../../wire/stream/stream-query.ts';
import { deliverOutput, serveProcess } from './process-stream.ts';
import { decoded, execRequestOf, requestOf, type Serve } from './stream-request.ts';

/** A client that leaves closes the session, and with it goes what ran. */
const run =
  (pool: string): Serve =>
  (connection, { pools }, query) =>
    serveProcess(
      connection,
      async (signal) => {
        const request = await requestOf(
          connection,
          query,
          (fields) => runFromQuery(pool, fields),
          (value) => runFromJson(pool, value),
        );
        return pools.run(request, { signal });
      },
      deliverOutput(wantedOutput(query)),
    );

const exec =
  (lease: string): Serve =>
  (connection, { pools }, query) =>
    serveProcess(
      connection,
      async (signal) => pools.exec(lease, await execRequestOf(connection, query), { signal }),
      deliverOutput(wantedOutput(query)),
    );

const paths: [RegExp, (name: string) => Serve][] = [
  [/^\/api\/v1\/pools\/([^/]+)\/run$/, run],
  [/^\/api\/v1\/leases\/([^/]+)\/exec$/, exec],
];

/** `/api/v1/pools/{pool}/run` and `/api/v1/leases/{id}/exec`. @throws invalid_argument for a broken escape */
export function poolStream(pathname: string): Serve | undefined {
  for (const [pattern, serve] of paths) {
    const name = pattern.exec(pathname)?.[1];
    if (name !== undefined) return serve(decoded(name, pathname));
  }
  return undefined;
}
