import { constants } from 'node:os';
import { familiarName } from '../../../core/model/image/reference.ts';
import type {
  EventView,
  ImageEventView,
  PoolEventView,
  SandboxEventView,
} from '../../../core/view/event-view.ts';
import type { DockerRow } from '../output.ts';

/** What docker calls our kinds of events. It has no pools. */
export const DOCKER_KINDS = { sandbox: 'container', image: 'image', pool: 'pool' } as const;

/** What docker calls what happens; for what it does not know there is our own word. */
export const DOCKER_ACTIONS: Record<EventView['kind'], Record<string, string>> = {
  sandbox: {
    ...{ created: 'create', started: 'start', exited: 'die', paused: 'pause', unpaused: 'unpause' },
    ...{ killed: 'kill', stopped: 'stop', restarted: 'restart', renamed: 'rename', updated: 'update' },
    deleted: 'destroy',
  },
  image: {
    ...{ pulled: 'pull', imported: 'load', tagged: 'tag', untagged: 'untag' },
    ...{ removed: 'delete', pruned: 'prune' },
  },
  pool: {},
};

/**
 * As `docker events`: in templates by the names of Go's fields, of which JSON writes some with small letters. There
 * `time` and `from` are docker's, although we call other things so.
 */
export function dockerEvent(view: EventView, asJson = false): DockerRow {
  const { kind, type } = view;
  const Action = DOCKER_ACTIONS[kind][type] ?? type;
  const { ID, from: From = '', attributes } = actorOf(view);
  const Time = Math.floor(Date.parse(view.time) / 1000);
  // More than a number holds exactly; written out, whole milliseconds are right to the last digit.
  const TimeNano = Date.parse(view.time) * 1_000_000;
  const common = { Type: DOCKER_KINDS[kind], Action, Actor: { ID, Attributes: textsOf(attributes) } };
  return asJson
    ? { status: Action, id: ID, from: From, ...common, scope: 'local', time: Time, timeNano: TimeNano }
    : { Status: Action, ID, From, ...common, Scope: 'local', Time, TimeNano };
}

interface Actor {
  ID: string;
  /** The image of a sandbox. */
  from?: string;
  attributes: Record<string, string | number | null | undefined>;
}

function actorOf(view: EventView): Actor {
  if (view.kind === 'sandbox') return sandboxActor(view);
  return view.kind === 'image' ? imageActor(view) : poolActor(view);
}

function sandboxActor({ id, image, labels, name, code, signal, from }: SandboxEventView): Actor {
  const number = signal === null ? undefined : constants.signals[signal as NodeJS.Signals];
  const ended = code !== null;
  return {
    ID: id,
    from: familiarName(image),
    attributes: {
      ...{ ...labels, image: familiarName(image), name, exitCode: code, oldName: from },
      // Of a kill: docker says nothing of the one that has ended a container.
      signal: ended ? undefined : (number ?? signal),
    },
  };
}

/** docker knows what it pulls by its name, and all else by its digest. */
function imageActor({ type, digest, names, freed }: ImageEventView): Actor {
  const name = names[0] === undefined ? digest : familiarName(names[0]);
  if (type === 'pruned') return { ID: '', attributes: { reclaimed: freed } };
  return { ID: type === 'pulled' ? name : digest, attributes: { name } };
}

const poolActor = ({ pool, instance, shape, cause, count, min }: PoolEventView): Actor => ({
  ID: instance ?? pool,
  attributes: { name: pool, shape, cause, count, min },
});

/** All are texts in docker, and what does not apply is not there. */
const textsOf = (attributes: Actor['attributes']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) => [key, String(value)]),
  );
