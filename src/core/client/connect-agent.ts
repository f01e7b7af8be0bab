import type { AgentApi } from '../api/agent-api.ts';
import { parseEndpoint } from '../wire/endpoint.ts';
import { execToTransport } from '../wire/stream/exec-request.ts';
import { filesToTransport } from '../wire/stream/files-request.ts';
import { attachToQuery } from '../wire/stream/stream-query.ts';
import { agentCalls } from './agent-calls.ts';
import { GrpcRpc } from './grpc-rpc.ts';
import { imageCalls } from './image-calls.ts';
import { poolCalls } from './pool-calls.ts';
import type { ClientSecurity, Target } from './security.ts';
import { pathOf, StreamApi } from './stream/stream-api.ts';
import { systemCalls } from './system-calls.ts';

export interface AgentAddress {
  /** `unix:///path` or `host:port`, both. */
  grpc: string;
  http: string;
  security?: ClientSecurity;
}

export interface RemoteAgent extends AgentApi, AsyncDisposable {
  /** Running calls and streams fail. Idempotent. */
  close(): Promise<void>;
}

/** What to tell whoever lost a process, or whose node does not answer. */
const WHEN_LOST = 'It may still be running on its node.';
const WHEN_AWAY = 'What runs on the node goes on; it is asked again until it answers.';

/**
 * A node behind its sockets; it is connected to when it is first called, and again after a connection broke.
 * @throws invalid_argument for an address that does not read
 */
export function connectAgent({ grpc, http, security }: AgentAddress): RemoteAgent {
  const target = (text: string): Target => ({
    ...parseEndpoint(text),
    ...{ name: grpc, hint: WHEN_AWAY },
    ...(security && { security }),
  });
  const rpc = new GrpcRpc(target(grpc));
  const streams = new StreamApi(target(http));
  const close = async (): Promise<void> => {
    rpc.close();
    streams.close();
  };
  return {
    ...agentCalls(rpc),
    ...agentStreams(streams),
    pools: {
      ...poolCalls(rpc),
      run: (request, options) => streams.run(request, options),
      exec: (lease, request, options) => streams.execInLease(lease, request, options),
    },
    images: imageCalls(rpc),
    events: systemCalls(rpc).events,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const sandboxPath = (id: string, action: string): string => pathOf('node', 'sandboxes', id, action);

const agentStreams = (streams: StreamApi): Pick<AgentApi, 'exec' | 'execOnFiles' | 'attach' | 'logs'> => ({
  exec: (id, request, options) =>
    streams.process(
      sandboxPath(id, 'exec'),
      execToTransport(request),
      { hint: WHEN_LOST, linked: !request.guestTool },
      options,
    ),
  execOnFiles: (files, request, options) =>
    streams.process(
      sandboxPath(files.sandboxId, 'files'),
      filesToTransport(files, request),
      { hint: WHEN_LOST, linked: false },
      options,
    ),
  attach: (id, request, options) =>
    streams.process(
      sandboxPath(id, 'attach'),
      { query: attachToQuery(request) },
      { hint: WHEN_LOST, linked: true },
      options,
    ),
  logs: (id, query, options) => streams.log(sandboxPath(id, 'logs'), query, options),
});
