import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { type Document, OpenAPIClientAxios } from 'openapi-client-axios';
import type { Endpoint } from '../../../src/core/server/http/rest/endpoint.ts';
import { table } from '../../../src/core/server/http/rest/table.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a test looks at is its own affair
type Data = any;

export interface RestClient {
  /**
   * Calls an operation as the generated client does; a refusal is an answer, too.
   * @param parameters of the path, the query and headers, by name
   */
  call(operation: string, parameters?: Record<string, unknown>, body?: unknown): Promise<AxiosResponse<Data>>;
  /** As call(); throws when the status is none of success. */
  ok(operation: string, parameters?: Record<string, unknown>, body?: unknown): Promise<Data>;
  /** Operations that were called so far. */
  readonly called: ReadonlySet<string>;
}

/**
 * A client of others, made at run time from the document that the core itself serves at `http://host:port`. Every answer is
 * held to its schema, of which no key may be unknown.
 */
export async function restClient(base: string): Promise<RestClient> {
  const definition = (await (await fetch(`${base}/openapi.json`)).json()) as Document;
  const client = await new OpenAPIClientAxios({
    definition,
    withServer: { url: base },
    axiosConfigDefaults: { validateStatus: () => true, paramsSerializer: { indexes: null } },
  }).init();
  const called = new Set<string>();
  const call: RestClient['call'] = async (operation, parameters = {}, body) => {
    called.add(operation);
    const run = client[operation] as (
      parameters: unknown,
      body: unknown,
      config?: AxiosRequestConfig,
    ) => Promise<AxiosResponse>;
    const answer = await run(parameters, body);
    holdToSchema(table.find((endpoint) => endpoint.operation === operation)!, answer);
    return answer;
  };
  return {
    called,
    call,
    async ok(...terms) {
      const answer = await call(...terms);
      if (answer.status >= 200 && answer.status < 300) return answer.data;
      throw new Error(`${terms[0]}: ${answer.status} ${JSON.stringify(answer.data)}`);
    },
  };
}

function holdToSchema({ operation, answer: form }: Endpoint, { status, data }: AxiosResponse): void {
  if (status >= 400) return;
  if (form.kind === 'json' && form.status === status) form.schema.parse(data);
  else if (form.kind === 'none' && status === 204) return;
  else if (form.kind === 'lines') for (const line of linesOf(data)) form.schema.parse(line);
  else if (form.kind !== 'text') throw new Error(`${operation} answered ${status}`);
}

/** axios has parsed it when it was a single line. */
export const linesOf = (data: unknown): Data[] =>
  typeof data === 'string'
    ? data
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [data];
