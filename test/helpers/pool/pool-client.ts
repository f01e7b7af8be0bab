import { request as httpRequest, type IncomingMessage } from 'node:http';

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at is its own affair
  body: any;
}

export interface Ask {
  /** Sent as JSON; a Buffer as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  /** Aborted: the client leaves. */
  signal?: AbortSignal;
}

/** Calls a pool server at `host:port` or at the path of a socket, each time over a connection of its own. */
export function poolClient(address: string) {
  const [host, port] = address.split(':');
  const where = address.startsWith('/') ? { socketPath: address } : { host, port };
  return (method: string, path: string, { body, headers = {}, signal }: Ask = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const type = body === undefined || Buffer.isBuffer(body) ? {} : { 'content-type': 'application/json' };
      const call = httpRequest(
        { ...where, path, method, headers: { ...type, ...headers }, agent: false, signal },
        (response) => void answerOf(response).then(resolve, reject),
      );
      call.on('error', reject);
      call.end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body));
    });
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode!, body: text === '' ? undefined : JSON.parse(text) };
}
