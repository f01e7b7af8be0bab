import type { Room } from '../fleet/budget.ts';

/** How many evictions may be under way at once: each is a teardown that takes the processor from boots and claims. */
const MOST_EVICTIONS = 8;

/** An idle instance that could make room. */
export interface EvictionCandidate {
  memory: number;
  paused: boolean;
  /** Monotonic milliseconds. */
  idleSince: number;
}

export interface EvictionInput<C extends EvictionCandidate> {
  /** Bytes that each waiter without room needs, first come first; each needs one instance of the count. */
  blocked: readonly number[];
  free: Room;
  /** What teardowns under way will give back. */
  leaving: Room;
  /** Idle instances; none of a shape that somebody waits for, since a waiter would have been given it. */
  candidates: readonly C[];
  /** Evictions under way. */
  inFlight: number;
}

/**
 * Which idle instances go so that waiters get room: paused before running, oldest first, no more than needed. A waiter
 * that all of them together could not help evicts nothing.
 */
export function chooseVictims<C extends EvictionCandidate>(input: EvictionInput<C>): C[] {
  const places = MOST_EVICTIONS - input.inFlight;
  if (places <= 0 || input.blocked.length === 0 || input.candidates.length === 0) return [];
  const queue = [...input.candidates].sort(
    (a, b) => Number(b.paused) - Number(a.paused) || a.idleSince - b.idleSince,
  );
  const room: Room = {
    count: input.free.count + input.leaving.count,
    memory: input.free.memory + input.leaving.memory,
  };
  const victims: C[] = [];
  for (const memory of input.blocked) {
    const needed = fewestFor(memory, room, queue);
    if (needed === undefined) break;
    victims.push(...queue.splice(0, needed));
    room.count -= 1;
    room.memory -= memory;
    if (victims.length >= places) break;
  }
  return victims.slice(0, places);
}

/** Oldest idle ones that go because the budget has become smaller than what lives: as many as help, or all. */
export function chooseOverdraft<C extends EvictionCandidate>(
  free: Room,
  leaving: Room,
  candidates: readonly C[],
): C[] {
  const room: Room = { count: free.count + leaving.count, memory: free.memory + leaving.memory };
  const victims: C[] = [];
  for (const candidate of [...candidates].sort((a, b) => a.idleSince - b.idleSince)) {
    if (room.count >= 0 && room.memory >= 0) break;
    victims.push(candidate);
    room.count += 1;
    room.memory += candidate.memory;
  }
  return victims;
}

/** How many from the head of the queue make room for one instance; adds them to `room`. Undefined: all are too few. */
function fewestFor(memory: number, room: Room, queue: readonly EvictionCandidate[]): number | undefined {
  const before = { ...room };
  for (let taken = 0; ; taken++) {
    if (room.count >= 1 && room.memory >= memory) return taken;
    const next = queue[taken];
    if (next === undefined) {
      Object.assign(room, before);
      return undefined;
    }
    room.count += 1;
    room.memory += next.memory;
  }
}
