import type { EventEmitter } from 'node:events';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { FsbError } from '../../model/errors.ts';
import type { Entrance } from '../auth/entrance.ts';
import type { OnOver } from '../auth/tenures.ts';
import type { Served } from '../served.ts';
import { endCall, statusOf } from './call.ts';
import type { Service } from './services.ts';
import { tracedCall } from './traced-call.ts';

/** A call that was let in. */
interface Admitted {
  core: Served;
  /** Its caller is not known any more. */
  onOver: OnOver;
}

/**
 * Asks each call of a server who makes it. It is refused before any of its messages is read, so a stranger can leave
 * nothing in the memory of the core.
 */
export class Admission {
  readonly #enter: Entrance;
  readonly #mayAsk: (peer: string) => void;
  readonly #open: ReadonlySet<string>;
  /** By the metadata of a call, which is all that its handler has of it. */
  readonly #admitted = new WeakMap<Metadata, Admitted>();

  /** @param mayAsk before a call of an open service; throws when its peer asks too often */
  constructor(services: readonly Service[], enter: Entrance, mayAsk: (peer: string) => void) {
    this.#enter = enter;
    this.#mayAsk = mayAsk;
    this.#open = new Set(services.filter(({ open }) => open).flatMap(pathsOf));
  }

  readonly interceptor: ServerInterceptor = ({ path }, call) => {
    let leave = (): void => {};
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, handOn) => {
            try {
              if (this.#open.has(path)) this.#mayAsk(peerOf(call));
              else leave = this.#admit(knockOf(call, metadata, path), metadata);
            } catch (error) {
              call.sendStatus(statusOf(error));
              return;
            }
            handOn(metadata);
          },
          // Comes last of each call, however that ends.
          onCancel: () => leave(),
        }),
    });
  };

  /** @returns to be called when the call is over @throws as Entrance */
  #admit(knock: Parameters<Entrance>[0], metadata: Metadata): () => void {
    const { core, whileKnown } = this.#enter(knock);
    const admitted: Admitted = { core, onOver: () => {} };
    this.#admitted.set(metadata, admitted);
    return whileKnown((why) => admitted.onOver(why));
  }

  /** Its methods, each of which works with the core of its caller. */
  methodsOf({ definition, implement, open }: Service): UntypedServiceImplementation {
    if (open) return implement(nothing);
    const methods = perCore(implement);
    const handlerOf = (name: string): UntypedHandleCall => {
      const handle = (call: { metadata: Metadata }, callback?: unknown): void => {
        const admitted = this.#admittedOf(call.metadata);
        admitted.onOver = (why) => endCall(call as unknown as EventEmitter, why);
        const method = methods(admitted.core)[name] as unknown as typeof handle;
        method(call, callback);
      };
      return tracedCall(definition[name]!.path, handle) as unknown as UntypedHandleCall;
    };
    return Object.fromEntries(Object.keys(definition).map((name) => [name, handlerOf(name)]));
  }

  #admittedOf(metadata: Metadata): Admitted {
    const admitted = this.#admitted.get(metadata);
    if (admitted === undefined) throw new FsbError('unauthenticated', 'nobody has asked who makes this call');
    return admitted;
  }
}

/** What an open service has: it needs no core. */
const nothing = {} as Served;

const pathsOf = ({ definition }: Service): string[] => Object.values(definition).map(({ path }) => path);

/** Empty for a connection that has gone, which the library calls unknown. */
function peerOf(call: ServerInterceptingCallInterface): string {
  const peer = call.getPeer();
  return peer === 'unknown' ? '' : peer;
}

function knockOf(
  call: ServerInterceptingCallInterface,
  metadata: Metadata,
  path: string,
): Parameters<Entrance>[0] {
  const [authorization] = metadata.get('authorization');
  return {
    peer: peerOf(call),
    authorization: typeof authorization === 'string' ? authorization : undefined,
    path,
    opens: 'call',
  };
}

/** The methods of a service for each core that they are asked for, made once: most calls come for the same one. */
export function perCore(implement: Service['implement']): Service['implement'] {
  const made = new WeakMap<Served, UntypedServiceImplementation>();
  return (core) => {
    let methods = made.get(core);
    if (methods === undefined) {
      methods = implement(core);
      made.set(core, methods);
    }
    return methods;
  };
}
