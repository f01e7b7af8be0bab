import type { SandboxRef } from '../../model/sandbox.ts';
import { attachFromQuery } from '../../wire/stream/stream-query.ts';
import { sandboxPath } from '../http/router.ts';
import { serveLogs } from './log-stream.ts';
import { serveProcess } from './process-stream.ts';
import { execRequestOf, type Serve } from './serve.ts';

const actions: Record<string, (ref: SandboxRef) => Serve> = {
  logs:
    (ref) =>
    (connection, { sandboxes }, query) =>
      serveLogs(
        connection,
        {
          id: () =>
            sandboxes.get(ref).then(
              ({ id }) => id,
              () => undefined,
            ),
          entries: (logQuery, options) => sandboxes.logs(ref, logQuery, options),
        },
        query,
      ),
  exec:
    (ref) =>
    (connection, { sandboxes }, query) =>
      serveProcess(connection, async (signal) =>
        sandboxes.exec(ref, await execRequestOf(connection, query), { signal }),
      ),
  attach:
    (ref) =>
    (connection, { sandboxes }, query) =>
      serveProcess(connection, async (signal) => sandboxes.attach(ref, attachFromQuery(query), { signal })),
};

/** `/api/v1/sandboxes/{namespace}/{name}/{logs,exec,attach}`. @throws invalid_argument for a broken escape */
export function sandboxStream(pathname: string): Serve | undefined {
  const target = sandboxPath(pathname);
  if (target === undefined || !Object.hasOwn(actions, target.action)) return undefined;
  return actions[target.action]!(target.ref);
}
