import { Agent, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  Client,
  credentials,
  type MethodDefinition,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import fc from 'fast-check';
import { errorCodes, isErrorCode } from '../../src/core/model/failure/errors.ts';
import {
  CreateRequest,
  FastPathServiceService,
  UpdateRequest,
} from '../../src/core/wire/gen/fastpath/v1/fastpath.ts';
import { AgentServiceService } from '../../src/core/wire/gen/fsb/v1/agent.ts';
import { ImageServiceService } from '../../src/core/wire/gen/fsb/v1/image.ts';
import { PoolServiceService } from '../../src/core/wire/gen/fsb/v1/pool.ts';
import { SystemServiceService } from '../../src/core/wire/gen/fsb/v1/system.ts';
import { HealthService } from '../../src/core/wire/gen/grpc/health/v1/health.ts';
import { ServerReflectionService } from '../../src/core/wire/gen/grpc/reflection/v1/reflection.ts';
import { PROTOBUF } from '../../src/core/wire/rpc-over-http.ts';
import { corpusFiles } from './corpus-files.ts';
import { mutated } from './mutations.ts';
import { serveNothing } from './refusing-core.ts';

type Method = MethodDefinition<unknown, unknown>;

const methods = [
  FastPathServiceService,
  AgentServiceService,
  ImageServiceService,
  PoolServiceService,
  SystemServiceService,
  HealthService,
  ServerReflectionService,
].flatMap((service) => Object.values(service) as Method[]);

const isUnary = ({ requestStream, responseStream }: Method): boolean => !requestStream && !responseStream;
const pathsOf = (some: Method[]): string[] => some.map(({ path }) => path);
const unary = pathsOf(methods.filter(isUnary));
const streaming = pathsOf(methods.filter((method) => !isUnary(method)));

const whole = CreateRequest.fromPartial({
  ...{ name: 'box', namespace: 'default', image: 'host', command: ['sh'], args: ['-c'], envs: { A: '1' } },
  ...{ exposedPorts: [80], labels: { team: 'red' } },
});
const seeds = [
  Buffer.from(CreateRequest.encode(whole).finish()),
  Buffer.from(
    UpdateRequest.encode(UpdateRequest.fromPartial({ sandboxName: 'box', namespace: 'n' })).finish(),
  ),
  ...corpusFiles('rpc-bodies'),
];

type Put = (writer: BinaryWriter) => void;

const text = fc.oneof(
  fc.constantFrom('host', 'box', 'default', '..', '../../etc', 'a\0b', '', '1h', '-5', '__proto__', '\ud800'),
  fc.string({ maxLength: 20 }),
);

/** Any message: the numbers of its fields are as small as ours, and so are its messages inside messages. */
const { message } = fc.letrec<{ message: Buffer; field: Put }>((tie) => ({
  message: fc.array(tie('field'), { maxLength: 6, depthIdentifier: 'message' }).map((fields) => {
    const writer = new BinaryWriter();
    for (const put of fields) put(writer);
    return Buffer.from(writer.finish());
  }),
  field: fc.tuple(fc.integer({ min: 1, max: 22 }), fc.nat(5)).chain(([number, kind]): fc.Arbitrary<Put> => {
    const put =
      (bytes: Uint8Array): Put =>
      (writer) =>
        void writer.tag(number, 2).bytes(bytes);
    if (kind === 0)
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => (w) => void w.tag(number, 0).uint64(n));
    if (kind === 1) return fc.double().map((n) => (w) => void w.tag(number, 1).double(n));
    if (kind === 2) return fc.nat().map((n) => (w) => void w.tag(number, 5).fixed32(n));
    if (kind === 3) return tie('message').map(put);
    return text.map((some) => put(Buffer.from(some)));
  }),
}));

const deepGroups = fc.nat(3_000).map((depth) => Buffer.alloc(depth, 0x0b));
const body = fc.oneof(
  { arbitrary: message, weight: 4 },
  { arbitrary: mutated(seeds), weight: 4 },
  { arbitrary: message.chain((bytes) => mutated([bytes])), weight: 2 },
  { arbitrary: deepGroups, weight: 1 },
);

export interface AskedNothing extends AsyncDisposable {
  /** Path of the unix socket that speaks HTTP. */
  http: string;
  agent: Agent;
  client: Client;
}

/** A server of nothing, and a connection to it of each kind. */
export async function askNothing(): Promise<AskedNothing> {
  const place = await serveNothing();
  const agent = new Agent({ keepAlive: true });
  const client = new Client(place.grpc, credentials.createInsecure());
  return {
    ...{ http: place.http, agent, client },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      client.close();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Any bytes as the question of any method: the answer is one of ours, never that something of ours broke. */
export const rpcBodiesProperty = (place: AskedNothing) =>
  fc.asyncProperty(
    fc.constantFrom(...unary, ...streaming),
    fc.array(body, { minLength: 1, maxLength: 3 }),
    (path, bodies) =>
      unary.includes(path) ? askOnce(place, path, bodies[0]!) : askInStream(place, path, bodies),
  );

async function askOnce({ http, agent, client }: AskedNothing, path: string, bytes: Buffer): Promise<void> {
  const { status, said } = await post(http, path, bytes, agent);
  const error = status === 200 ? undefined : (JSON.parse(said.toString()).error as Record<string, unknown>);
  if (error !== undefined && (!isErrorCode(error.code) || error.code === 'internal'))
    throw new Error(`${path} answers ${status} with ${said}`);
  const overGrpc = await call(client, path, bytes);
  const expected = error === undefined ? 0 : errorCodes[error.code as keyof typeof errorCodes].grpc;
  if (overGrpc !== expected) throw new Error(`${path}: gRPC says ${overGrpc}, HTTP ${status} ${said}`);
}

/** Over gRPC alone. One that is answered is left: some streams do not end by themselves. */
async function askInStream({ client }: AskedNothing, path: string, bodies: Buffer[]): Promise<void> {
  const stream = client.makeBidiStreamRequest(path, asIs, asIs);
  stream.once('data', () => stream.cancel());
  // The status says it, too.
  stream.on('error', () => {});
  for (const bytes of bodies) stream.write(bytes);
  stream.end();
  const { code, details } = await new Promise<StatusObject>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${path} does not answer`)), PATIENCE);
    stream.once('status', (said: StatusObject) => {
      clearTimeout(late);
      resolve(said);
    });
  });
  if ([status.UNKNOWN, status.INTERNAL].includes(code))
    throw new Error(`${path} answers ${code}: ${details}`);
}

/** Milliseconds. */
const PATIENCE = 10_000;

const asIs = (some: Buffer): Buffer => some;

function post(socketPath: string, path: string, bytes: Buffer, agent: Agent) {
  return new Promise<{ status: number; said: Buffer }>((resolve, reject) => {
    const headers = { host: 'localhost', 'content-type': PROTOBUF };
    request({ socketPath, path, method: 'POST', headers, agent })
      .once('response', (response: IncomingMessage) => {
        buffer(response).then((said) => resolve({ status: response.statusCode!, said }), reject);
      })
      .once('error', reject)
      .end(bytes);
  });
}

/** @returns the status of gRPC */
function call(client: Client, path: string, bytes: Buffer): Promise<number> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, bytes, (error: ServiceError | null) =>
      resolve(error?.code ?? 0),
    );
  });
}
