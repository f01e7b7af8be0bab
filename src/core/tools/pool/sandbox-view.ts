import type { Lease, PoolInstance } from '../../model/pool/pool.ts';
import { functionSchemas } from '../registry.ts';

export const sandboxStatuses = ['running', 'idle', 'busy', 'stopping'] as const;

/** A sandbox as clients of the pool server see it; the keys are those of the wire. */
export interface SandboxView {
  id: string;
  /** `running`: it was created for somebody. Of the tool pool: `idle`, `busy` while a tool has it, `stopping`. */
  status: (typeof sandboxStatuses)[number];
  type: 'sandbox';
  config: Record<string, unknown>;
  /** ISO 8601; of an instance of the pool only the last change is known. */
  created_at?: string;
  updated_at: string;
  metadata: Record<string, unknown>;
  /** Function schemas by the name of the tool. */
  available_tools: Record<string, unknown>;
}

const byName = Object.fromEntries(functionSchemas.map((schema) => [schema.function.name, schema]));

const iso = (time: number): string => new Date(time).toISOString();

export function viewOfLease({
  id,
  image,
  pool,
  instance,
  warm,
  createdAt,
  ttl,
  running,
}: Lease): SandboxView {
  return {
    id,
    status: 'running',
    type: 'sandbox',
    config: { image },
    created_at: iso(createdAt),
    updated_at: iso(createdAt),
    metadata: { pool, instance, warm, ttl: ttl / 1000, running },
    available_tools: byName,
  };
}

const instanceStatus: Record<PoolInstance['state'], SandboxView['status']> = {
  idle: 'idle',
  paused: 'idle',
  claimed: 'busy',
  stopping: 'stopping',
};

/** @param now milliseconds since the epoch */
export function viewOfInstance(
  { id, image, state, age }: PoolInstance,
  pool: string,
  now: number,
): SandboxView {
  return {
    id,
    status: instanceStatus[state],
    type: 'sandbox',
    config: { image },
    updated_at: iso(now - age),
    metadata: { pool, instance: id },
    available_tools: byName,
  };
}
