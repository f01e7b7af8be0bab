import { functionSchemas } from '../../../tools/registry.ts';
import type { Tools } from '../../access/tools-table.ts';
import type { RequestBody } from '../request-body.ts';
import { TAR_TYPES } from '../respond.ts';
import {
  archiveQuery,
  createQuery,
  executeQuery,
  initializeQuery,
  listQuery,
  noQuery,
  parseQuery,
  parseToolCall,
} from './query.ts';

export interface PoolRequest {
  server: Tools;
  body: RequestBody;
  query: URLSearchParams;
  /** The sandbox id of the path; empty where the path has none. */
  id: string;
  /** Aborted when the client leaves. */
  signal: AbortSignal;
}

/** Resolves to the JSON of the answer. @throws FsbError */
type Handler = (call: PoolRequest) => Promise<unknown>;

/** Refuses whatever the query says: nothing that a client asks for is left undone without a word. */
function withoutQuery(handle: Handler): Handler {
  return async (call) => {
    parseQuery(noQuery, call.query);
    return handle(call);
  };
}

/** By method and path; `{id}` stands for a sandbox id. */
export const endpoints: Readonly<Record<string, Handler>> = {
  async 'POST /pool/initialize'({ server, body, query, signal }) {
    const { pool_size: size } = parseQuery(initializeQuery, query);
    const config = await body.json();
    const { up, missing, reasons, warnings } = await server.initialize(size, config, signal);
    const message =
      missing === 0
        ? `the pool is ready: ${up.length} sandboxes are up`
        : `the pool is ready in part: ${up.length} of ${up.length + missing} sandboxes are up`;
    return { message, pool_size: up.length, sandbox_ids: up, missing, reasons, warnings };
  },

  async 'POST /pool/execute'({ server, body, query, signal }) {
    const { tool_name: tool, timeout } = parseQuery(executeQuery, query);
    const parameters = (await body.json()) ?? {};
    return server.execute({ tool, parameters }, timeout, signal);
  },

  'GET /health': withoutQuery(({ server, signal }) => server.health(signal)),

  'GET /stats': withoutQuery(({ server, signal }) => server.stats(signal)),

  'GET /tools': withoutQuery(async () => functionSchemas),

  async 'POST /sandbox/create'({ server, body, query, signal }) {
    parseQuery(createQuery, query);
    const { lease, warnings } = await server.create(await body.json(), signal);
    return { sandbox_id: lease.id, warnings };
  },

  async 'GET /sandboxes'({ server, query, signal }) {
    const { status } = parseQuery(listQuery, query);
    const all = await server.list(signal);
    return status === undefined ? all : all.filter((sandbox) => sandbox.status === status);
  },

  'POST /sandbox/tool/execute': withoutQuery(async ({ server, body, signal }) => {
    const { sandbox_id: id, tool_name: tool, parameters } = parseToolCall(await body.json());
    return server.executeIn(id, { tool, parameters }, signal);
  }),

  'GET /sandbox/{id}': withoutQuery(({ server, id, signal }) => server.get(id, signal)),

  'GET /sandbox/{id}/tools': withoutQuery(
    async ({ server, id, signal }) => (await server.get(id, signal)).available_tools,
  ),

  'POST /sandbox/{id}/stop': withoutQuery(async ({ server, id, signal }) => {
    await server.release(id, signal);
    return { message: `sandbox ${id} is stopped` };
  }),

  'DELETE /sandbox/{id}': withoutQuery(async ({ server, id, signal }) => {
    await server.release(id, signal);
    return { message: `sandbox ${id} is deleted` };
  }),

  async 'POST /sandbox/{id}/archive'({ server, body, query, id, signal }) {
    const { target_dir: directory } = parseQuery(archiveQuery, query);
    body.assertType(TAR_TYPES);
    await server.putArchive(id, directory, body.chunks(), signal);
    return { ok: true };
  },
};
