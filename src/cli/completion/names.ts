import type { CoreApi } from '../../core/api/core-api.ts';
import { familiarName, HOST_IMAGE } from '../../core/model/image/reference.ts';
import { isLive } from '../../core/model/sandbox/phase.ts';
import type { Sandbox } from '../../core/model/sandbox/sandbox.ts';
import type { Candidate } from './candidate.ts';

export interface NamesQuery {
  /** Of the command that they are for. */
  id: string;
  namespace: string;
  signal: AbortSignal;
}

type Names = (core: CoreApi, query: NamesQuery) => Promise<Candidate[]>;

type State = Sandbox['state'];

const runs = ({ phase }: State): boolean => phase === 'Running';
const isPaused = (state: State): boolean => state.phase === 'Running' && state.paused === true;

/** Which sandboxes a command can do something with; any other takes them all. */
const usable: Record<string, (state: State) => boolean> = {
  ...{
    exec: runs,
    attach: runs,
    cp: runs,
    top: runs,
    stats: runs,
    kill: runs,
    stop: runs,
    'port-forward': runs,
  },
  pause: (state) => runs(state) && !isPaused(state),
  unpause: isPaused,
  start: ({ phase }) => !isLive(phase),
};

const sandboxes: Names = async (core, { id, namespace, signal }) => {
  const all = await core.sandboxes.list({ namespace }, { signal });
  const isUsable = usable[id] ?? (() => true);
  return all.filter(({ state }) => isUsable(state)).map(sandboxCandidate);
};

const sandboxCandidate = ({ name, state, spec }: Sandbox): Candidate => ({
  value: name,
  description: `${state.phase}, ${spec.image === '' ? 'no image' : familiarName(spec.image)}`,
});

/** What can be done with every image but the machine's own. */
const notWithHost: ReadonlySet<string> = new Set(['image:remove', 'image:save', 'image:tag', 'image:pull']);

const images: Names = async (core, { id, signal }) =>
  (await core.images.list({ signal }))
    .flatMap(({ references }) => references)
    .filter((reference) => reference !== HOST_IMAGE || !notWithHost.has(id))
    .map((reference) => ({ value: familiarName(reference) }));

/** What the core has names for, by what a word may be. */
export const liveNames = {
  sandbox: sandboxes,
  'sandbox-path': async (core, query) =>
    (await sandboxes(core, query)).map(({ value, ...rest }) => ({ value: `${value}:`, ...rest })),
  pool: async (core, { signal }) =>
    (await core.pools.list({ signal })).map(({ name, state }) => ({ value: name, description: state })),
  image: images,
  'sandbox-or-image': async (core, query) =>
    (await Promise.all([sandboxes(core, query), images(core, query)])).flat(),
  lease: async (core, { signal }) =>
    (await core.pools.leases({ signal })).map(({ id, image }) => ({
      value: id,
      description: familiarName(image),
    })),
  namespace: async (core, { signal }) =>
    [...new Set((await core.sandboxes.list({}, { signal })).map(({ namespace }) => namespace))].map(
      (value) => ({ value }),
    ),
} satisfies Record<string, Names>;

export const isLiveKind = (kind: unknown): kind is keyof typeof liveNames =>
  typeof kind === 'string' && Object.hasOwn(liveNames, kind);
