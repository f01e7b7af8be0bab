import type { EventEmitter } from 'node:events';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Caller } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { Entrance } from '../auth/entrance.ts';
import type { FairTurns } from '../auth/fair-turns.ts';
import type { OnOver } from '../auth/tenures.ts';
import type { UnreadAnswers } from '../auth/unread-answers.ts';
import type { BodyRoom } from '../body-room.ts';
import type { Door } from '../door.ts';
import type { Served } from '../served.ts';
import { Answer } from './answer.ts';
import { endCall, statusOf } from './call.ts';
import { Question } from './question.ts';
import type { Service } from './services.ts';
import { tracedCall } from './traced-call.ts';

/** A call that was let in. */
interface Admitted {
  core: Served;
  caller: Caller;
  /** Its caller is not known any more. */
  onOver: OnOver;
}

export interface AdmissionParts {
  enter: Entrance;
  /** Before a call of an open service; throws when it is asked too often from there. */
  mayAsk: Door['assertMayAsk'];
  /** The same of one that goes on. */
  mayWatch: Door['mayWatch'];
  /** For what comes of messages. */
  room: BodyRoom;
  answers: UnreadAnswers;
  turns: FairTurns;
  clock: Clock;
}

/**
 * Asks each call of a server who makes it. It is refused before any of its messages is read, so a stranger can leave
 * nothing in the memory of the core.
 */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #open: ReadonlySet<string>;
  /** By the metadata of a call, which is all that its handler has of it. */
  readonly #admitted = new WeakMap<Metadata, Admitted>();

  constructor(services: readonly Service[], parts: AdmissionParts) {
    this.#parts = parts;
    this.#open = new Set(services.filter(({ open }) => open).flatMap(pathsOf));
  }

  /** Its calls are the library's own objects. */
  readonly interceptor: ServerInterceptor = ({ path, requestStream: isStream, responseStream }, call) => {
    let leave = (): void => {};
    let isOver = false;
    let question: Question | undefined;
    let answer: Answer | undefined;
    const refuse = (why: FsbError): void => call.sendStatus(statusOf(why));
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, handOn) => {
            try {
              const { remoteAddress } = call.getConnectionInfo();
              if (!this.#open.has(path)) leave = this.#admit(knockOf(call, metadata, path), metadata, refuse);
              else if (responseStream) leave = this.#parts.mayWatch(remoteAddress);
              else this.#parts.mayAsk(remoteAddress);
              const caller = this.#admitted.get(metadata)?.caller;
              question = new Question(call, { ...this.#parts, caller, isStream, refuse });
              answer = new Answer(call, { ...this.#parts, caller, isStream: responseStream, refuse });
            } catch (error) {
              call.sendStatus(statusOf(error));
              return;
            }
            handOn(metadata);
          },
          onReceiveMessage: (message, handOn) => {
            question?.came();
            handOn(message);
          },
          // The library begins with a question that is whole, also when its call has ended meanwhile.
          onReceiveHalfClose: (handOn) => {
            question?.complete();
            if (!isOver) handOn();
          },
          // Comes last of each call, however that ends.
          onCancel: () => {
            isOver = true;
            question?.end();
            answer?.end();
            leave();
          },
        }),
      sendMetadata: (metadata, send) => answer!.head(() => send(metadata)),
      sendMessage: (message, send) => answer!.message(message, send),
    });
  };

  /**
   * @param onOver until its method begins
   * @returns to be called when the call is over @throws as Entrance
   */
  #admit(knock: Parameters<Entrance>[0], metadata: Metadata, onOver: OnOver): () => void {
    const { core, caller, whileKnown } = this.#parts.enter(knock);
    const admitted: Admitted = { core, caller, onOver };
    this.#admitted.set(metadata, admitted);
    return whileKnown((why) => admitted.onOver(why));
  }

  /** Its methods, each of which works with the core of its caller. */
  methodsOf({ definition, implement, open }: Service): UntypedServiceImplementation {
    if (open) return implement(nothing);
    const methods = perCore(implement);
    const handlerOf = (name: string): UntypedHandleCall => {
      const handle = tracedCall(definition[name]!.path, (call, callback) => {
        const admitted = this.#admittedOf(call.metadata);
        admitted.onOver = (why) => endCall(call as unknown as EventEmitter, why);
        const method = methods(admitted.core)[name] as unknown as typeof handle;
        method(call, callback);
      });
      const inTurn = (...[call, callback]: Parameters<typeof handle>): void => {
        const turn = this.#parts.turns.of(this.#admittedOf(call.metadata).caller);
        if (turn === undefined) handle(call, callback);
        else void turn.then(() => isCancelled(call) || handle(call, callback));
      };
      return inTurn as unknown as UntypedHandleCall;
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

const isCancelled = (call: object): boolean => (call as { cancelled: boolean }).cancelled;

const pathsOf = ({ definition }: Service): string[] => Object.values(definition).map(({ path }) => path);

function knockOf(
  call: ServerInterceptingCallInterface,
  metadata: Metadata,
  path: string,
): Parameters<Entrance>[0] {
  const [authorization] = metadata.get('authorization');
  return {
    ends: call.getConnectionInfo(),
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
