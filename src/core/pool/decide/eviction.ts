import type { Room } from '../budget.ts';

/** How many evictions may be under way at once: each is a teardown that takes the processor from boots and claims. */
const MOST_EVICTIONS = 8;

/** An idle instance that could make room. */
export interface IdleCandidate {
  memory: number;
  paused: boolean;
  /** Its shape is to be warm, and has no more than it is to have. */
  kept: boolean;
  /** Monotonic milliseconds. */
  idleSince: number;
}

/** A boot that nobody waits for and that could make room. */
export interface BootCandidate {
  memory: number;
  /** Monotonic milliseconds. */
  bootingSince: number;
}

export interface EvictionInput<I extends IdleCandidate, B extends BootCandidate> {
  /** Bytes that each who lacks room needs, first come first; each needs one instance of the count. */
  blocked: readonly number[];
  free: Room;
  /** What teardowns under way will give back. */
  leaving: Room;
  /** Idle instances; none of a shape that somebody waits for, since a waiter would have been given it. */
  idle: readonly I[];
  boots: readonly B[];
  /** Evictions under way. */
  inFlight: number;
}

/**
 * What goes so that waiters get room, no more than needed: idle instances, those beyond the warm counts first, else they
 * would go next for those that went; paused before running, oldest first; then boots that nobody waits for, youngest
 * first, since they have come least far. A waiter that all of them together could not help makes nothing go, and those
 * behind it have their turn.
 */
export function chooseVictims<I extends IdleCandidate, B extends BootCandidate>(
  input: EvictionInput<I, B>,
): (I | B)[] {
  const places = MOST_EVICTIONS - input.inFlight;
  if (places <= 0 || input.blocked.length === 0) return [];
  const idle = [...input.idle].sort(
    (a, b) =>
      Number(a.kept) - Number(b.kept) || Number(b.paused) - Number(a.paused) || a.idleSince - b.idleSince,
  );
  const boots = [...input.boots].sort((a, b) => b.bootingSince - a.bootingSince);
  const queue: (I | B)[] = [...idle, ...boots];
  const room: Room = {
    count: input.free.count + input.leaving.count,
    memory: input.free.memory + input.leaving.memory,
  };
  const victims: (I | B)[] = [];
  for (const memory of input.blocked) {
    const needed = fewestFor(memory, room, queue);
    if (needed === undefined) continue;
    victims.push(...queue.splice(0, needed));
    room.count -= 1;
    room.memory -= memory;
    if (victims.length >= places) break;
  }
  return victims.slice(0, places);
}

/** Idle ones that go because the budget has become smaller than what lives, those beyond the warm counts first: as many as help, or all. */
export function chooseOverdraft<C extends IdleCandidate>(
  free: Room,
  leaving: Room,
  candidates: readonly C[],
): C[] {
  const room: Room = { count: free.count + leaving.count, memory: free.memory + leaving.memory };
  const victims: C[] = [];
  const inOrder = [...candidates].sort(
    (a, b) => Number(a.kept) - Number(b.kept) || a.idleSince - b.idleSince,
  );
  for (const candidate of inOrder) {
    if (room.count >= 0 && room.memory >= 0) break;
    victims.push(candidate);
    room.count += 1;
    room.memory += candidate.memory;
  }
  return victims;
}

/** How many from the head of the queue make room for one instance; adds them to `room`. Undefined: all are too few. */
function fewestFor(memory: number, room: Room, queue: readonly { memory: number }[]): number | undefined {
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
