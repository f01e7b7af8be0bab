import {
  type CoreEvent,
  EVENT_KINDS,
  type EventKind,
  type EventQuery,
  type EventSandbox,
  type ImageEvent,
  type SandboxEvent,
} from '../../model/event.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { PoolEvent } from '../../model/pool/pool.ts';
import type { WatchRequest, WatchResponse, SandboxEvent as WireEvent } from '../gen/fsb/v1/system.ts';
import { defined } from './parts.ts';

export function eventToWire({ seq, time, pool, sandbox, image, event }: CoreEvent): WatchResponse {
  const none = { event: undefined, sandbox: undefined, image: undefined };
  const entry = { ...none, seq, timeMilliseconds: time, pool: pool ?? '' };
  if (sandbox) return { ...entry, sandbox: sandboxEventToWire(sandbox, event) };
  if (image) return { ...entry, image: { ...image, ...event } };
  return { ...entry, event: { ...event } };
}

function sandboxEventToWire(sandbox: EventSandbox, event: SandboxEvent): WireEvent {
  if (event.type !== 'lost') return { ...sandbox, ...event };
  const { recreateAt, ...rest } = event;
  return { ...sandbox, ...rest, recreateAtMilliseconds: recreateAt };
}

/** A core of a later version may tell events of types that this one has no name for; they are passed on as they are. */
export function eventFromWire(response: WatchResponse): CoreEvent {
  const { seq, timeMilliseconds: time, pool, event, sandbox, image } = response;
  if (sandbox) {
    const { id, namespace, name, image: of, labels, recreateAtMilliseconds: recreateAt, ...rest } = sandbox;
    const told = defined({ ...rest, recreateAt }) as SandboxEvent;
    return { seq, time, sandbox: { id, namespace, name, image: of, labels }, event: told };
  }
  if (image) {
    const { digest, names, ...rest } = image;
    return { seq, time, image: { digest, names }, event: defined(rest) as ImageEvent };
  }
  if (event === undefined) throw new FsbError('internal', 'the core told an event without its content');
  return { seq, time, pool, event: defined({ ...event }) as PoolEvent };
}

export const eventQueryToWire = ({ kinds = EVENT_KINDS, since, ...rest }: EventQuery): WatchRequest => ({
  ...rest,
  kinds: [...kinds],
  sinceMilliseconds: since,
});

export const eventQueryFromWire = ({
  kinds,
  sinceMilliseconds: since,
  after,
  pool,
  follow,
}: WatchRequest): EventQuery => ({
  ...defined({ since, after, pool, follow }),
  kinds: kinds.length === 0 ? ['pool'] : (kinds as EventKind[]),
});
