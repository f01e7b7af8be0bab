import { Agent } from 'node:https';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import axios, { type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { type Document, OpenAPIClientAxios } from 'openapi-client-axios';
import type { z } from 'zod';
import { table } from '../../../src/core/server/http/rest/table.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a test looks at is its own affair
type Data = any;

export interface RestClient {
  /**
   * Calls an operation as the generated client does; a refusal is an answer, too.
   * @param parameters of the path, the query and headers, by name
   */
  call(
    operation: string,
    parameters?: Record<string, unknown>,
    body?: unknown,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<Data>>;
  /** As call(); throws when the status is none of success. */
  ok(operation: string, parameters?: Record<string, unknown>, body?: unknown): Promise<Data>;
  /** The first so many lines of what goes on; then it leaves. */
  lines(operation: string, parameters: Record<string, unknown>, count: number): Promise<Data[]>;
  /** Operations that were called so far. */
  readonly called: ReadonlySet<string>;
}

/**
 * A client of others, made at run time from the document that the core itself serves at `http://host:port`, or https. Every
 * answer is held to its schema, of which no key may be unknown.
 * @param secret for a core with TLS: a token, and the certificate of the authority
 */
export async function restClient(base: string, secret?: { token: string; ca: Buffer }): Promise<RestClient> {
  const terms: AxiosRequestConfig =
    secret === undefined ? {} : { httpsAgent: new Agent({ ca: secret.ca }), headers: bearer(secret.token) };
  const { data: definition } = await axios.get<Document>(`${base}/openapi.json`, terms);
  const client = await new OpenAPIClientAxios({
    definition,
    withServer: { url: base },
    axiosConfigDefaults: { validateStatus: () => true, paramsSerializer: { indexes: null }, ...terms },
  }).init();
  const called = new Set<string>();
  const call: RestClient['call'] = async (operation, parameters = {}, body, config) => {
    called.add(operation);
    const run = client[operation] as (
      parameters: unknown,
      body: unknown,
      config?: AxiosRequestConfig,
    ) => Promise<AxiosResponse>;
    const answer = await run(parameters, body, config);
    holdToSchema(operation, answer);
    return answer;
  };
  return {
    called,
    call,
    async lines(operation, parameters, count) {
      called.add(operation);
      const run = client[operation] as (...terms: unknown[]) => Promise<AxiosResponse<Readable>>;
      const { data } = await run(parameters, undefined, { responseType: 'stream' });
      const read: Data[] = [];
      for await (const line of createInterface(data)) if (read.push(JSON.parse(line)) === count) break;
      data.destroy();
      for (const line of read) formOf(operation).schema!.parse(line);
      return read;
    },
    async ok(...terms) {
      const answer = await call(...terms);
      if (answer.status >= 200 && answer.status < 300) return answer.data;
      throw new Error(`${terms[0]}: ${answer.status} ${JSON.stringify(answer.data)}`);
    },
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const formOf = (operation: string): { kind: string; status?: number; schema?: z.ZodType } =>
  table.find((endpoint) => endpoint.operation === operation)!.answer;

function holdToSchema(operation: string, { status, data }: AxiosResponse): void {
  if (status >= 400) return;
  const { kind, schema, status: expected = kind === 'none' ? 204 : 200 } = formOf(operation);
  if (status !== expected) throw new Error(`${operation} answered ${status}`);
  for (const each of kind === 'lines' ? linesOf(data) : [data]) schema?.parse(each);
}

/** axios has parsed it when it was a single line. */
export const linesOf = (data: unknown): Data[] =>
  typeof data === 'string'
    ? data
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [data];
