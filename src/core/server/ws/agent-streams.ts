import type { AgentApi } from '../../api/agent-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { filesFromJson } from '../../wire/stream/files-request.ts';
import { attachFromQuery, wantedOutput } from '../../wire/stream/stream-query.ts';
import type { Connection } from './connection.ts';
import { serveLogs } from './log-stream.ts';
import { deliverOutput, serveProcess } from './process-stream.ts';
import { decoded, execRequestOf, type Serve } from './stream-request.ts';

type ServeAgent = (
  connection: Connection,
  agent: AgentApi,
  id: string,
  query: URLSearchParams,
) => Promise<void>;

const actions: Record<string, ServeAgent> = {
  exec: (connection, agent, id, query) =>
    serveProcess(
      connection,
      async (signal) => agent.exec(id, await execRequestOf(connection, query), { signal }),
      deliverOutput(wantedOutput(query)),
    ),
  files: (connection, agent, _, query) =>
    serveProcess(
      connection,
      async (signal) => {
        const { files, exec } = filesFromJson(await connection.firstRequest());
        return agent.execOnFiles(files, exec, { signal });
      },
      deliverOutput(wantedOutput(query)),
    ),
  attach: (connection, agent, id, query) =>
    serveProcess(
      connection,
      async (signal) => agent.attach(id, attachFromQuery(query), { signal }),
      deliverOutput(wantedOutput(query)),
    ),
  logs: (connection, agent, id, query) =>
    serveLogs(connection, (logQuery, options) => agent.logs(id, logQuery, options), query),
};

const PATH = /^\/api\/v1\/node\/sandboxes\/([^/]+)\/(exec|files|attach|logs)$/;

/** `/api/v1/node/sandboxes/{id}/{exec,files,attach,logs}`. @throws invalid_argument for a broken escape */
export function agentStream(pathname: string): Serve | undefined {
  const [, name, action] = PATH.exec(pathname) ?? [];
  if (name === undefined || action === undefined) return undefined;
  const id = decoded(name, pathname);
  return async (connection, { agent }, query) => {
    if (agent !== undefined) return actions[action]!(connection, agent, id, query);
    const error = new FsbError('not_found', 'this core serves its node to nobody');
    connection.end({ kind: 'error', error });
  };
}
