import { createConnection } from 'node:net';
import type { AgentApi } from '../../src/core/api/agent-api.ts';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import type { CreateRequest } from '../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import { parseSpec } from '../../src/core/model/sandbox/spec.ts';
import { type ServedCore, serveAndConnect } from '../helpers/core/served-core.ts';

const nothingHere = (): FsbError => new FsbError('not_found', 'there is nothing here');

/** What any call gives: a promise that fails, and a stream that fails. */
function refusal(): unknown {
  const failed = Promise.reject(nothingHere());
  failed.catch(() => {});
  return Object.assign(failed, {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(nothingHere()) }),
  });
}

/** A part of a core: whatever is called is for something that is not there, and nothing is ever run. */
const refusing = (): object => new Proxy({}, { get: () => refusal });

/** A node of the same kind. */
export const refusingAgent = (): AgentApi => refusing() as AgentApi;

/**
 * A core that has nothing and does nothing: whatever a hostile client asks for, it is only the wire that is asked. The
 * commands of a spec that fuzzing has made must not be run.
 */
export function refusingCore(): CoreApi {
  const close = async (): Promise<void> => {};
  const sandboxes = new Proxy({} as CoreApi['sandboxes'], {
    get: (_, call) => {
      if (call !== 'create') return refusal;
      return async (request: CreateRequest) => {
        parseSpec(request.spec);
        throw nothingHere();
      };
    },
  });
  return {
    sandboxes,
    pools: new Proxy(refusing() as CoreApi['pools'], {
      get: (target, call, receiver) =>
        // The pool server looks for its pool when it starts.
        call === 'list' || call === 'leases' ? async () => [] : Reflect.get(target, call, receiver),
    }),
    images: refusing() as CoreApi['images'],
    system: refusing() as CoreApi['system'],
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface ServedNothing extends AsyncDisposable {
  served: ServedCore;
  /** Path of the unix socket that speaks HTTP. */
  http: string;
  /** What gRPC connects to. */
  grpc: string;
}

/** A server of nothing, and of a node of that kind, on unix sockets of its own. */
export async function serveNothing(): Promise<ServedNothing> {
  const served = await serveAndConnect(Object.assign(refusingCore(), { agent: refusingAgent() }), 'unix');
  return {
    served,
    http: served.servers.http[0]!.slice('unix://'.length),
    grpc: served.servers.grpc[0]!,
    [Symbol.asyncDispose]: () => served.close(),
  };
}

/**
 * Sends bytes over a connection of their own and reads until the server hangs up, or for as long as `patience` says.
 * @returns what came, as latin1
 */
export function say(path: string, bytes: Buffer, patience = 20_000): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = createConnection(path);
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
    socket.setTimeout(patience, () => socket.destroy());
    socket.end(bytes);
  });
}
