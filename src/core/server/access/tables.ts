import type { AgentApi } from '../../api/agent-api.ts';
import type { CoreApi, SystemApi } from '../../api/core-api.ts';
import type { ImageApi } from '../../api/image-api.ts';
import type { LeaseRequest, PoolApi, PoolRunRequest } from '../../api/pool-api.ts';
import type { ExecRequest, SandboxApi } from '../../api/sandbox-api.ts';
import { type Caller, hasScope, mayEnter } from '../../model/caller.ts';
import { DEFAULT_NAMESPACE } from '../../model/ids.ts';
import type { LoginRequest, PullRequest } from '../../model/image/image-requests.ts';
import type { Lease } from '../../model/pool/pool.ts';
import { refKey, type SandboxRef } from '../../model/sandbox/sandbox.ts';
import { named, namedImage, namedProgram, namedRegistry, namedSandbox } from './named.ts';
import type { Table } from './row.ts';
import {
  maySeeLog,
  shownEvent,
  shownHealth,
  shownImage,
  shownInfo,
  shownNews,
  shownPool,
  shownUsage,
} from './shown.ts';

/** Which scope each method of a core and of its node needs, and where its namespaces are: with tools-table.ts the one place that says who may do what. */

const ofRef = {
  namespaces: ({ namespace }: SandboxRef): string[] => [namespace],
  object: (ref: SandboxRef): string => namedSandbox(ref),
};
const read = { scope: 'read', ...ofRef } as const;
const use = { scope: 'use', ...ofRef } as const;
const useBegun = { ...use, begun: true } as const;

const always = (): boolean => true;

/** That of a process that goes on by itself is over when it was started. */
const staysWith = ({ detach }: ExecRequest): boolean => detach !== true;

const queried = ({ namespace }: { namespace?: string }): string[] =>
  namespace === undefined ? [] : [namespace];

const withinOf = (namespaces: Caller['namespaces']): readonly string[] | undefined =>
  namespaces === 'all' ? undefined : namespaces;

/** Mounts show files of the node, and its network reaches what only listens there. */
const touchesNode = (wanted: Pick<LeaseRequest, 'mounts' | 'network'>): boolean =>
  (wanted?.mounts?.length ?? 0) > 0 || (wanted?.network ?? 'none') !== 'none';

export const sandboxTable: Table<SandboxApi> = {
  create: { ...use, touchesNode: ({ spec }) => touchesNode(spec), made: (sandbox) => refKey(sandbox) },
  get: read,
  list: {
    scope: 'read',
    namespaces: queried,
    shown: (all, caller) => all.filter(({ namespace }) => mayEnter(caller, namespace)),
  },
  page: {
    scope: 'read',
    namespaces: queried,
    // Not `shown`: the token of a page has the name of its last sandbox in it.
    narrowed: ({ namespaces }, query, options) => [{ ...query, within: withinOf(namespaces) }, options],
  },
  watch: { scope: 'read', namespaces: queried, stream: true, shown: shownNews },
  delete: useBegun,
  logs: { ...read, stream: true },
  exec: { ...useBegun, process: (_ref, request) => staysWith(request) },
  attach: { ...useBegun, process: always },
  wait: read,
  stop: useBegun,
  start: use,
  restart: useBegun,
  reset: useBegun,
  pause: use,
  unpause: use,
  signal: use,
  rename: { ...use, object: (ref, name) => `${namedSandbox(ref)} ${namedSandbox({ ...ref, name })}` },
  update: { ...use, idle: (_ref, change) => Object.keys(change ?? {}).length === 0 },
  usage: {
    scope: 'read',
    // A name without one is looked for in the default one: whether it is there tells of that.
    namespaces: ({ namespace, names }) =>
      queried({ namespace: namespace ?? (names?.length ? DEFAULT_NAMESPACE : undefined) }),
    shown: (all, caller) => all.filter(({ namespace }) => mayEnter(caller, namespace)),
  },
};

const byName = { object: (name: string): string => named(name) };

/** A lease is in no namespace: whoever knows of one could use it. */
const ofLease = { scope: 'use', everywhere: true, ...byName } as const;

/** Which one, out of which pool. */
export const leased = ({ pool, id }: Lease): string => `${pool} ${id}`;

/** In which pool, of which image, if it says one, and which program: what stands behind that may be a secret. */
const ranIn = ({ pool, image, exec }: PoolRunRequest): string =>
  [named(pool), image === undefined ? '-' : namedImage(image), namedProgram(exec?.argv?.[0])]
    .filter(Boolean)
    .join(' ');

export const poolTable: Table<PoolApi> = {
  status: { scope: 'read' },
  list: { scope: 'read' },
  get: { scope: 'read', shown: shownPool },
  create: { scope: 'admin', object: ({ name }) => named(name) },
  update: { scope: 'admin', ...byName },
  delete: { scope: 'admin', ...byName },
  stop: { scope: 'admin', ...byName },
  drain: { scope: 'admin', ...byName },
  run: { scope: 'use', begun: true, process: always, touchesNode, object: ranIn },
  lease: { scope: 'use', everywhere: true, touchesNode, object: ({ pool }) => named(pool), made: leased },
  leases: { scope: 'read', everywhere: true },
  exec: { ...ofLease, begun: true, process: (_lease, request) => staysWith(request) },
  kill: ofLease,
  release: ofLease,
};

/** Services of the node itself, and of the private networks around it, are for administrators. */
const fromOutside = <R extends PullRequest | LoginRequest>(caller: Caller, request: R): R =>
  hasScope(caller, 'admin') ? request : { ...request, outside: true };

export const imageTable: Table<ImageApi> = {
  // Whoever may run something may bring what it runs in.
  pull: {
    scope: 'use',
    stream: true,
    object: ({ reference }) => namedImage(reference),
    narrowed: (caller, request, options) => [fromOutside(caller, request), options],
  },
  import: {
    scope: 'admin',
    object: ({ name }) => namedImage(name),
    made: (images) => images.map(({ digest, loaded }) => loaded.join(' ') || digest).join(' '),
  },
  list: {
    scope: 'read',
    shown: (images, caller) => images.map((image) => shownImage(image, caller)),
  },
  inspect: { scope: 'read', shown: shownImage },
  tag: { scope: 'admin', object: (source, target) => `${namedImage(source)} ${namedImage(target)}` },
  remove: { scope: 'admin', object: (reference) => namedImage(reference) },
  prune: { scope: 'admin' },
  // The content of images, which whoever only watches has no need of.
  save: {
    scope: 'use',
    stream: true,
    object: (references) => references.map(namedImage).join(' '),
    idle: always,
  },
  login: {
    scope: 'use',
    object: ({ registry }) => namedRegistry(registry),
    idle: always,
    narrowed: (caller, request, options) => [fromOutside(caller, request), options],
  },
};

export const systemTable: Table<SystemApi> = {
  info: { scope: 'read', shown: shownInfo, whole: 'admin' },
  usage: { scope: 'read', shown: shownUsage },
  retainedLogs: { scope: 'read', shown: (logs, caller) => logs.filter((log) => maySeeLog(log, caller)) },
  removeLogs: { scope: 'admin', object: (ids) => [ids].flat().map(named).join(',') },
  health: { scope: 'read', shown: shownHealth },
  removeSetAside: { scope: 'admin' },
  events: { scope: 'read', stream: true, shown: shownEvent },
};

export const tables = {
  sandboxes: sandboxTable,
  pools: poolTable,
  images: imageTable,
  system: systemTable,
} satisfies { [Part in Exclude<keyof CoreApi, 'close' | symbol>]: Table<CoreApi[Part]> };

// The node knows no namespaces, and mounts whatever it is told to.
const admin = { scope: 'admin', everywhere: true } as const;
const ofId = { ...admin, object: (sandboxId: string): string => named(sandboxId) } as const;

export const agentTable: Table<AgentApi> = {
  facts: admin,
  start: { ...admin, object: ({ sandboxId }) => named(sandboxId) },
  stop: ofId,
  pause: ofId,
  unpause: ofId,
  signal: ofId,
  rename: ofId,
  update: ofId,
  usage: ofId,
  exec: { ...ofId, begun: true, process: (_id, request) => staysWith(request) },
  execOnFiles: {
    ...admin,
    object: ({ sandboxId }) => named(sandboxId),
    begun: true,
    process: (_files, request) => staysWith(request),
  },
  attach: { ...ofId, begun: true, process: always },
  logs: { ...ofId, stream: true },
  logBytes: admin,
  forget: ofId,
  retainedLog: admin,
  sandboxes: admin,
  watch: { ...admin, stream: true },
  events: { ...admin, stream: true },
};
