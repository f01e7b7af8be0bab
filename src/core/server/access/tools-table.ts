import { FsbError } from '../../model/failure/errors.ts';
import { parseSandboxConfig } from '../../tools/pool/sandbox-config.ts';
import type { PoolServer } from '../../tools/pool-server.ts';
import { toolNames } from '../../tools/registry.ts';
import { NO_NAME, named } from './named.ts';
import type { Table } from './row.ts';
import { leased } from './tables.ts';

/** The pool server as callers have it. */
export type Tools = Omit<PoolServer, 'start' | 'close'>;

// Its sandboxes are leases, and so in no namespace.
const everywhere = { everywhere: true } as const;
const ofSandbox = { ...everywhere, scope: 'use', object: (id: string): string => named(id) } as const;

export const toolsTable: Table<Tools> = {
  initialize: { ...everywhere, scope: 'admin' },
  execute: { ...everywhere, scope: 'use', object: ({ tool }) => (toolNames.includes(tool) ? tool : NO_NAME) },
  create: { ...everywhere, scope: 'use', touchesNode: mayTouchNode, made: ({ lease }) => leased(lease) },
  executeIn: ofSandbox,
  putArchive: ofSandbox,
  release: ofSandbox,
  list: { ...everywhere, scope: 'read' },
  get: { ...everywhere, scope: 'read' },
  health: { scope: 'read' },
  stats: { scope: 'read' },
};

/** What cannot be read is for the call itself to refuse. */
function mayTouchNode(config: unknown): boolean {
  try {
    const { mounts, network } = parseSandboxConfig(config ?? {}, '/');
    return mounts.length > 0 || network !== 'none';
  } catch (error) {
    if (error instanceof FsbError) return false;
    throw error;
  }
}
