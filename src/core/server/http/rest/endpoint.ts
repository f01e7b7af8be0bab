import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { CoreApi } from '../../../api/core-api.ts';
import type { CallOptions } from '../../../api/sandbox-api.ts';
import type { ErrorCode, FsbError } from '../../../model/failure/errors.ts';

/** `GET /api/v1/sandboxes/{namespace}/{name}`; a part in braces is one segment of the path. */
export type RouteText = `${'GET' | 'POST' | 'PATCH' | 'DELETE'} /${string}`;

/** One request, checked. */
export interface Call<Query = unknown, Body = unknown, Said = unknown> {
  /** The caller's. */
  core: CoreApi;
  /** Of the path, decoded. */
  params: Record<string, string>;
  query: Query;
  body: Body;
  /** The body as it was sent, for what the core reads itself: durations and sizes are still texts. */
  said: Said;
  /** The bytes of an upload, as they come. */
  content: () => AsyncIterable<Buffer>;
  headers: IncomingHttpHeaders;
  /** Aborted when the client leaves or the core goes away. */
  options: Required<CallOptions>;
}

/** What is answered: JSON, nothing, one JSON document a line (or server-sent events), or bytes as they come: text, or a tar. */
export type AnswerForm =
  | { kind: 'json'; schema: z.ZodType; status: number }
  | { kind: 'none' }
  | { kind: 'lines'; schema: z.ZodType }
  | { kind: 'text' }
  | { kind: 'tar' };

/** A row of the route table: everything that is served, checked and documented comes from it. */
export interface Endpoint {
  method: string;
  path: string;
  /** Unique; generated clients name their methods after it. */
  operation: string;
  summary: string;
  query: z.ZodObject;
  /** Absent: takes none. */
  body?: z.ZodType;
  /** Its body is a tar. */
  isUpload?: true;
  /** What they are for, by name; none is required. */
  headers: Record<string, string>;
  answer: AnswerForm;
  /** What it refuses with besides invalid_argument. */
  fails: readonly ErrorCode[];
  /** The JSON of a refusal, where that is not the common one. */
  refusal?: { schema: z.ZodType; of: (error: FsbError, said: unknown) => unknown };
  handle(call: Call): unknown;
}

export const noQuery = z.strictObject({});

interface Terms<Query extends z.ZodObject, Body extends z.ZodType, Result> {
  operation: string;
  summary: string;
  query?: Query;
  body?: Body;
  isUpload?: true;
  headers?: Record<string, string>;
  fails?: readonly ErrorCode[];
  refusal?: Endpoint['refusal'];
  handle(call: Call<z.output<Query>, z.output<Body>, z.input<Body>>): Result;
}

function row<Query extends z.ZodObject, Body extends z.ZodType, Result>(
  route: RouteText,
  { query, headers = {}, fails = [], handle, ...terms }: Terms<Query, Body, Result>,
  answer: AnswerForm,
): Endpoint {
  const [method, path] = route.split(' ') as [string, string];
  return {
    ...{ method, path, answer, headers, fails, query: query ?? noQuery, ...terms },
    handle: handle as (call: Call) => unknown,
  };
}

/** Answers JSON. @param terms.status default 200 */
export const endpoint = <Query extends z.ZodObject, Body extends z.ZodType, Answer extends z.ZodType>(
  route: RouteText,
  schema: Answer,
  { status = 200, ...terms }: Terms<Query, Body, Promise<z.output<Answer>>> & { status?: number },
): Endpoint => row(route, terms, { kind: 'json', schema, status });

/** Answers 204, with nothing. */
export const silentEndpoint = <Query extends z.ZodObject, Body extends z.ZodType>(
  route: RouteText,
  terms: Terms<Query, Body, Promise<unknown>>,
): Endpoint => row(route, terms, { kind: 'none' });

/** Answers a document a line. */
export const lineEndpoint = <Query extends z.ZodObject, Body extends z.ZodType, Line extends z.ZodType>(
  route: RouteText,
  schema: Line,
  terms: Terms<Query, Body, AsyncIterable<z.output<Line>>>,
): Endpoint => row(route, terms, { kind: 'lines', schema });

/** Answers text as it comes. */
export const textEndpoint = <Query extends z.ZodObject, Body extends z.ZodType>(
  route: RouteText,
  terms: Terms<Query, Body, Promise<AsyncIterable<Buffer>>>,
): Endpoint => row(route, terms, { kind: 'text' });

/** Answers a tar as it comes. */
export const tarEndpoint = <Query extends z.ZodObject, Body extends z.ZodType>(
  route: RouteText,
  terms: Terms<Query, Body, AsyncIterable<Buffer>>,
): Endpoint => row(route, terms, { kind: 'tar' });
