import { execFields } from '../../../wire/stream/exec-request.ts';
import type { Schema } from '../../../wire/stream/query-fields.ts';
import { runFields } from '../../../wire/stream/run-request.ts';
import { attachFields, logFields, portFields } from '../../../wire/stream/stream-query.ts';

type Json = Record<string, unknown>;

/** What is asked for with an upgrade to a WebSocket; its query is what the stream itself reads. */
export interface StreamOperation {
  path: string;
  operation: string;
  summary: string;
  group: string;
  fields: Schema;
  /** It can be taken up again after a break. */
  resumes: boolean;
  /** Without an upgrade the answer is text. */
  isText?: true;
}

const ONE = '/api/v1/sandboxes/{namespace}/{name}';
const resumes = true;

export const streamOperations: readonly StreamOperation[] = [
  {
    ...{ path: `${ONE}/logs`, operation: 'getSandboxLogs', group: 'sandboxes', fields: logFields },
    summary: 'What its main process wrote: over a WebSocket, or as text without one.',
    ...{ resumes: false, isText: true },
  },
  {
    ...{ path: `${ONE}/exec`, operation: 'execInSandbox', group: 'sandboxes', fields: execFields, resumes },
    summary: 'Another command in it, over a WebSocket.',
  },
  {
    ...{ path: `${ONE}/attach`, operation: 'attachToSandbox', group: 'sandboxes', fields: attachFields },
    ...{ summary: 'The streams of its main process, over a WebSocket.', resumes },
  },
  {
    ...{ path: `${ONE}/portforward`, operation: 'forwardPort', group: 'sandboxes', fields: portFields },
    ...{ summary: 'A connection to a port of its loopback, over a WebSocket.', resumes },
  },
  {
    ...{ path: '/api/v1/pools/{pool}/run', operation: 'runInPool', group: 'pools', fields: runFields },
    ...{ summary: 'A command in an instance of its own, over a WebSocket.', resumes },
  },
  {
    ...{ path: '/api/v1/leases/{id}/exec', operation: 'execInLease', group: 'leases', fields: execFields },
    ...{ summary: 'A command in a lease, over a WebSocket.', resumes },
  },
];

/** Of our own tools, and what Kubernetes clients send for nothing. */
const UNTOLD: readonly string[] = ['guest_tool', 'container'];

const kinds: Record<Schema[string], Json> = {
  text: { type: 'string' },
  texts: { type: 'array', items: { type: 'string' } },
  flag: { type: 'boolean' },
  count: { type: 'integer', minimum: 0 },
  number: { type: 'number' },
  time: { type: 'string', description: 'RFC 3339, or milliseconds since 1970.' },
};

/** Parameters in the form of OpenAPI. */
export const streamParameters = ({ fields, resumes: isResumed }: StreamOperation): Json[] => [
  ...Object.entries(fields)
    .filter(([name]) => !UNTOLD.includes(name))
    .map(([name, kind]) => ({ name, in: 'query', required: false, schema: kinds[kind] })),
  ...('command' in fields ? [REQUEST] : []),
  ...(isResumed ? [RESUME] : []),
  SUBPROTOCOL,
];

const REQUEST: Json = {
  ...{ name: 'request', in: 'query', required: false },
  description: 'The request is the first message, on channel 20: it is too long for a URL.',
  schema: { type: 'string', enum: ['frame'] },
};

const RESUME: Json = {
  ...{ name: 'resume', in: 'query', required: false },
  description: 'The key by which the client comes back when the connection breaks.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{22,64}$' },
};

const SUBPROTOCOL: Json = {
  ...{ name: 'Sec-WebSocket-Protocol', in: 'header', required: false },
  description: 'What the messages say.',
  schema: { type: 'string', enum: ['fsb.v1', 'v5.channel.k8s.io', 'v4.channel.k8s.io'] },
};
