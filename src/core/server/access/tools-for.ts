import type { PoolServer } from '../../tools/pool-server.ts';
import { type Guard, guardPart, isFree } from './guard-part.ts';
import { type Tools, toolsTable } from './tools-table.ts';

/** It works with the whole core, whoever asks it: what it may be asked is decided here. */
export const toolsFor = (server: PoolServer, guard: Guard): Tools =>
  isFree(guard) ? server : guardPart<Tools>('tools', server, toolsTable, guard);
