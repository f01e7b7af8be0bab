import type { CoreApi, SystemApi } from '../../../src/core/api/core-api.ts';
import type { ImageApi } from '../../../src/core/api/image-api.ts';
import type { PoolApi } from '../../../src/core/api/pool-api.ts';
import type { SandboxApi } from '../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { Sandbox, SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { exitedSession } from './exited-session.ts';
import {
  details,
  digest,
  drained,
  endless,
  events,
  health,
  images,
  imported,
  lease,
  log,
  lost,
  NOW,
  pool,
  removed,
  sandboxes,
  shapes,
  stats,
  toolAnswers,
  usage,
} from './fixed-answers.ts';

function byName<T extends { name: string }>(what: string, all: readonly T[], name: string): T {
  const found = all.find((each) => each.name === name);
  if (found) return found;
  throw new FsbError('not_found', `there is no ${what} ${name}`, { hint: `See fsb-ctl ${what} list.` });
}

/** A core whose every answer is the same each time, for golden files: nothing that is done to it changes anything. */
export function fixedCore(): CoreApi {
  let looks = 0;
  const named = async ({ name }: SandboxRef): Promise<Sandbox> => byName('sandbox', sandboxes, name);
  const sandboxApi: Partial<SandboxApi> = {
    create: async () => sandboxes[0]!,
    get: async ({ name }) => ({ ...byName('sandbox', [...sandboxes, lost], name), logBytes: 1536 }),
    list: async ({ labels = {} }) =>
      sandboxes.filter(({ spec }) =>
        Object.entries(labels).every(([key, value]) => spec.labels[key] === value),
      ),
    delete: async ({ name }) => void byName('sandbox', sandboxes, name),
    logs: () => each(log),
    wait: async ({ name }) => {
      byName('sandbox', sandboxes, name);
      return { code: 7, signal: null };
    },
    exec: async (ref, { guestTool, argv }) => {
      await named(ref);
      return guestTool ? exitedSession(toolAnswers[argv[0]!]!, 0) : exitedSession('hello\n', 7);
    },
    usage: async () => stats(looks++),
    attach: async () => exitedSession('hello\n', 7),
    rename: async (_, name) => ({ ...sandboxes[0]!, name }),
    ...{ stop: named, start: named, restart: named, reset: named, pause: named, unpause: named },
    ...{ update: named, signal: async (ref) => void (await named(ref)) },
  };
  const poolApi: Partial<PoolApi> = {
    status: async () => shapes,
    list: async () => [drained, pool],
    get: async (name) => byName('pool', [pool], name),
    create: async () => pool,
    update: async () => pool,
    delete: async (name) => void byName('pool', [pool], name),
    stop: async () => pool,
    drain: async () => pool,
    leases: async () => [lease, endless],
    lease: async () => lease,
    release: async () => {},
    exec: async () => exitedSession('hello\n', 7),
    run: async () => exitedSession('hello\n', 7),
  };
  const imageApi: Partial<ImageApi> = {
    list: async () => images,
    inspect: async (name) => {
      if (name === 'nobody') throw new FsbError('image_not_found', 'image nobody is not here');
      return details;
    },
    import: async () => imported,
    login: async () => ({}),
    tag: async () => {},
    remove: async () => removed,
    save: () => each([Buffer.from('an archive of two layers\n')]),
    prune: async () => ({ removed: [removed], freed: 12_600_000 }),
    pull: () =>
      each([{ kind: 'done', reference: 'quay.io/me/tool:1', digest, upToDate: true, image: images[1]! }]),
  };
  const system: SystemApi = {
    info: async () => ({
      ...{ version: '0.1.0', node: 'node-1', pid: 7, root: '/var/lib/fsb', runtime: 'runc 1.1.5' },
      ...{ http: '', metrics: '', cgroups: 'v2', startedAt: NOW, cpus: 2, memory: 8 * 1024 ** 3 },
      ...{ kernel: '6.1.0', system: 'Debian GNU/Linux 12 (bookworm)', architecture: 'amd64' },
      logBytes: 50_331_648,
    }),
    usage: async () => usage,
    health: async () => health,
    retainedLogs: async () => usage.logs.filter(({ deleted }) => deleted !== undefined),
    removeLogs: async () => {},
    removeSetAside: async () => health.setAside,
    events: () => each(events.map((event, at) => ({ seq: at + 1, time: NOW + at, ...event }))),
  };
  const core = { sandboxes: sandboxApi, pools: poolApi, images: imageApi, system, close: async () => {} };
  return core as unknown as CoreApi;
}

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}
