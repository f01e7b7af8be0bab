import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type Listening, listen } from './listening.ts';

/** What goes wrong with an answer. */
export interface Fault {
  /** Only requests whose `METHOD /path` matches. */
  on: RegExp;
  /** How often; always when absent. */
  times?: number;
  /** The connection breaks after so many bytes of the body. */
  cutAfter?: number;
  /** Nothing more comes after so many bytes, the connection stays. */
  stallAfter?: number;
  /** This instead of the registry's answer. */
  status?: number;
  /** Over the registry's headers, or those of `status`; undefined removes one. */
  headers?: Record<string, string | undefined>;
  /** Instead of the registry's. */
  body?: string | Buffer;
  /** One byte of the body is another. */
  corrupt?: boolean;
  /** The Range header does not reach the registry. */
  ignoreRange?: boolean;
  /** Answers 307 with this address, the path of the request appended: `http://127.0.0.1:99`. */
  redirectTo?: string;
  /** The connection breaks before any answer. */
  refuse?: boolean;
}

export interface SeenRequest {
  method: string;
  /** With the query. */
  path: string;
  range?: string;
  authorization?: string;
}

/** Stands in front of a registry that speaks plain http, passes everything on, and breaks what it is told to break. */
export interface FaultProxy {
  /** As in a reference: `127.0.0.1:5000` */
  address: string;
  url: string;
  /** In the order in which they came. */
  readonly requests: SeenRequest[];
  /** How many requests match: `GET /v2/.*blobs`. */
  count(pattern: RegExp): number;
  /** The first fault that matches a request is its fault. */
  add(...faults: Fault[]): void;
  /** From now on nothing is wrong, and no request has been seen. */
  reset(): void;
  /** Connections that are open now. */
  connections(): Promise<number>;
  /** Ends the connections that nobody uses now, as servers do after a while. */
  hangUp(): void;
  /** Resolves when a stalled answer has been given as far as it goes. */
  stalled(): Promise<void>;
  stop(): Promise<void>;
}

/** @param target `http://127.0.0.1:5000` */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const requests: SeenRequest[] = [];
  let faults: Fault[] = [];
  let onStall: (() => void)[] = [];
  const stalls = { count: 0 };

  const faultOf = (name: string): Fault | undefined => {
    const fault = faults.find(({ on, times = 1 }) => times > 0 && on.test(name));
    if (fault?.times !== undefined) fault.times -= 1;
    return fault;
  };
  const stall = (): void => {
    stalls.count += 1;
    for (const resolve of onStall.splice(0)) resolve();
  };
  const server = createServer((incoming, outgoing) => {
    const [method, path] = [incoming.method!, incoming.url!];
    const { range, authorization } = incoming.headers;
    requests.push({ method, path, ...(range && { range }), ...(authorization && { authorization }) });
    void answer(target, incoming, outgoing, faultOf(`${method} ${path}`) ?? { on: /$/ }, stall).catch(() =>
      outgoing.destroy(),
    );
  });
  const listening: Listening = await listen(server);
  return {
    address: listening.address,
    url: `http://${listening.address}`,
    requests,
    count: (pattern) => requests.filter(({ method, path }) => pattern.test(`${method} ${path}`)).length,
    add: (...more) => void faults.push(...more.map((fault) => ({ ...fault }))),
    reset() {
      faults = [];
      requests.length = 0;
      stalls.count = 0;
      onStall = [];
    },
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    hangUp: () => server.closeIdleConnections(),
    stalled: () =>
      new Promise((resolve) => {
        if (stalls.count > 0) {
          stalls.count -= 1;
          resolve();
        } else
          onStall.push(() => {
            stalls.count -= 1;
            resolve();
          });
      }),
    stop: listening.stop,
  };
}

async function answer(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault,
  stall: () => void,
): Promise<void> {
  if (fault.refuse) return void outgoing.destroy();
  if (fault.redirectTo !== undefined)
    return void outgoing.writeHead(307, { location: fault.redirectTo + incoming.url }).end();
  if (fault.status !== undefined)
    return void outgoing.writeHead(fault.status, defined(fault.headers)).end(fault.body);
  const real = await pass(target, incoming, fault.ignoreRange ?? false);
  const body = changed(await buffer(real), fault);
  const { connection: _, 'keep-alive': __, ...headers } = real.headers;
  outgoing.writeHead(
    real.statusCode!,
    defined({
      ...(headers as Record<string, string>),
      ...(fault.body !== undefined && { 'content-length': String(body.length) }),
      ...fault.headers,
    }),
  );
  const end = fault.cutAfter ?? fault.stallAfter;
  if (end === undefined) return void outgoing.end(body);
  await new Promise((resolve) => outgoing.write(body.subarray(0, end), resolve));
  // What is sent has to arrive before the end does: a reset may throw away what the reader has not yet read.
  if (fault.cutAfter !== undefined) outgoing.socket?.destroySoon();
  else stall();
}

async function pass(
  target: string,
  incoming: IncomingMessage,
  ignoreRange: boolean,
): Promise<IncomingMessage> {
  const headers: OutgoingHttpHeaders = { ...incoming.headers };
  if (ignoreRange) delete headers.range;
  const passed = request(new URL(incoming.url!, target), { method: incoming.method, headers, agent: false });
  const response = new Promise<IncomingMessage>((resolve, reject) =>
    passed.on('response', resolve).on('error', reject),
  );
  incoming.pipe(passed);
  return response;
}

function changed(body: Buffer, fault: Fault): Buffer {
  if (fault.body !== undefined) return Buffer.from(fault.body);
  if (!fault.corrupt || body.length === 0) return body;
  const wrong = Buffer.from(body);
  wrong[wrong.length >> 1]! ^= 1;
  return wrong;
}

const defined = (headers: Record<string, string | undefined> = {}): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
