import type { z } from 'zod';
import { type ErrorCode, errorCodes } from '../../../model/failure/errors.ts';
import { TAR_TYPES } from '../respond.ts';
import type { Endpoint } from './endpoint.ts';
import { componentsOf, inlined } from './json-schemas.ts';
import { answered, componentPath, sent } from './schemas/components.ts';
import { failure } from './schemas/system-answers.ts';
import { type StreamOperation, streamOperations, streamParameters } from './stream-operations.ts';
import { groups } from './table.ts';

type Json = Record<string, unknown>;

let document: Json | undefined;
let bytes: Buffer | undefined;

/** The OpenAPI 3.1 document of the route table, made when it is first asked for. */
export const openApi = (): Json => {
  document ??= {
    openapi: '3.1.0',
    info: {
      title: 'fsb-ctl',
      version: 'v1',
      summary: 'Sandboxes, pools and images of one core.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.keys(groups).map((name) => ({ name })),
    security: [{ token: [] }, { certificate: [] }, {}],
    paths: pathsOf(),
    components: {
      securitySchemes: SECURITY,
      schemas: { ...componentsOf(sent, 'input'), ...componentsOf(answered, 'output') },
    },
  };
  return document;
};

/** The same as it is sent. */
export const openApiBytes = (): Buffer => {
  bytes ??= Buffer.from(`${JSON.stringify(openApi())}\n`);
  return bytes;
};

const SECURITY: Json = {
  token: {
    ...{ type: 'http', scheme: 'bearer' },
    description: 'Over the unix socket, and over loopback without TLS, the user of the core needs none.',
  },
  certificate: { type: 'mutualTLS', description: 'Where the core has --client-ca.' },
};

/** What the door says, before or instead of the operation. */
const AT_THE_DOOR = ['unauthenticated', 'denied', 'no_capacity'] as const;

function pathsOf(): Json {
  const paths: Record<string, Json> = {};
  for (const [group, endpoints] of Object.entries(groups))
    for (const endpoint of endpoints) {
      paths[endpoint.path] ??= {};
      paths[endpoint.path]![endpoint.method.toLowerCase()] = operationOf(endpoint, group);
    }
  for (const stream of streamOperations)
    paths[stream.path] = { ...paths[stream.path], get: streamOperationOf(stream) };
  return paths;
}

function streamOperationOf(stream: StreamOperation): Json {
  const content = contentOf('application/json', ref(failure));
  const text = { description: 'As it comes.', content: contentOf('text/plain', { type: 'string' }) };
  return {
    operationId: stream.operation,
    summary: stream.summary,
    tags: [stream.group],
    parameters: [...pathParameters(stream), ...streamParameters(stream)],
    responses: {
      ...(stream.isText && { 200: text }),
      101: { description: 'A WebSocket. Its messages, and how it ends: docs/streams.md.' },
      ...told(['invalid_argument', ...AT_THE_DOOR, 'not_found'], () => content),
      ...(!stream.isText && { 426: { description: 'No upgrade was asked for.', content } }),
      default: { description: 'Any other failure.', content },
    },
  };
}

const operationOf = (endpoint: Endpoint, group: string): Json => ({
  operationId: endpoint.operation,
  summary: endpoint.summary,
  tags: [group],
  parameters: [...pathParameters(endpoint), ...queryParameters(endpoint), ...headerParameters(endpoint)],
  ...(endpoint.body === undefined ? {} : { requestBody: bodyOf(endpoint.body) }),
  ...(endpoint.isUpload && { requestBody: { required: true, content: TAR } }),
  responses: { ...successOf(endpoint), ...refusalsOf(endpoint) },
});

const pathParameters = ({ path }: { path: string }): Json[] =>
  [...path.matchAll(/\{(.+?)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }));

function queryParameters({ query }: Endpoint): Json[] {
  const { properties = {}, required = [] } = inlined(query) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    ...{ name, in: 'query', required: required.includes(name), schema },
    ...(description === undefined ? {} : { description }),
  }));
}

const headerParameters = ({ headers }: Endpoint): Json[] =>
  Object.entries(headers).map(([name, description]) => ({
    ...{ name, in: 'header', required: false, description, schema: { type: 'string' } },
  }));

const bodyOf = (body: z.ZodType): Json => ({
  required: !body.safeParse(undefined).success,
  content: contentOf('application/json', { $ref: componentPath(sent.get(body)!.id) }),
});

function successOf({ answer }: Endpoint): Json {
  switch (answer.kind) {
    case 'json':
      return {
        [answer.status]: { description: 'Done.', content: contentOf('application/json', ref(answer.schema)) },
      };
    case 'none':
      return { 204: { description: 'Done.' } };
    case 'lines':
      return {
        200: {
          description: 'A document a line, or an event each.',
          content: {
            ...contentOf('application/x-ndjson', ref(answer.schema)),
            ...contentOf('text/event-stream', { type: 'string' }),
          },
        },
      };
    case 'tar':
      return { 200: { description: 'As it comes; one that is cut off is not whole.', content: TAR } };
    case 'text':
      return { 200: { description: 'As it comes.', content: contentOf('text/plain', { type: 'string' }) } };
  }
}

function refusalsOf({ fails, refusal, body, isUpload }: Endpoint): Json {
  const own = ref(refusal?.schema ?? failure);
  const ofBody = { 413: 'The body is too long.', 415: 'The body is not declared as JSON, in plain UTF-8.' };
  const atTheDoor = refusal === undefined ? own : { anyOf: [own, ref(failure)] };
  const content = contentOf('application/json', own);
  const ofUpload = { 415: 'The body is no tar.' };
  const others = { ...(body && ofBody), ...(isUpload && ofUpload), default: 'Any other failure.' };
  return {
    ...told(['invalid_argument', ...AT_THE_DOOR, ...fails], (codes) =>
      contentOf('application/json', codes.some(isOfDoor) ? atTheDoor : own),
    ),
    ...Object.fromEntries(
      Object.entries(others).map(([status, description]) => [status, { description, content }]),
    ),
  };
}

const isOfDoor = (code: ErrorCode): boolean => AT_THE_DOOR.some((one) => one === code);

/** By status, each with the codes that have it. */
function told(codes: readonly ErrorCode[], contentFor: (codes: ErrorCode[]) => Json): Json {
  const byStatus: Record<string, ErrorCode[]> = {};
  for (const code of new Set(codes)) {
    const status = errorCodes[code].http;
    byStatus[status] = [...(byStatus[status] ?? []), code];
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, same]) => [
      status,
      { description: same.join(', '), content: contentFor(same) },
    ]),
  );
}

const contentOf = (type: string, schema: Json): Json => ({ [type]: { schema } });
const TAR = contentOf(TAR_TYPES[0], { type: 'string', format: 'binary' });
const ref = (schema: z.ZodType): Json => ({ $ref: componentPath(answered.get(schema)!.id) });
