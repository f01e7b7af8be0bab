import type { CallOptions, SandboxNews, WatchQuery } from '../../api/sandbox-api.ts';
import type { CoreEvent } from '../../model/event.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { Sandbox, SandboxRef } from '../../model/sandbox/sandbox.ts';
import type { History } from '../records/happenings.ts';
import { fits, listed } from './listing.ts';

/** What there is now. */
export interface Present {
  all(): Sandbox[];
  byId(id: string): Sandbox | undefined;
}

/** The revision at present, for whoever looks at the sandboxes in the same moment. */
export const currentRevision = (history: History): string => revisionAt(history, history.position);

/**
 * See SandboxApi.watch. It keeps no copy of anything: the history says which sandbox has changed, and what that is now is
 * told. So a watcher who reads slowly costs nothing, and one who goes on later is told the same as one who stayed.
 */
export async function* watchSandboxes(
  history: History,
  present: Present,
  { revision, ...query }: WatchQuery,
  options?: CallOptions,
): AsyncGenerator<SandboxNews> {
  const from = revision === undefined ? history.position : positionOf(history, revision);
  if (revision === undefined) {
    for (const sandbox of listed(present.all(), query)) yield { revision: '', sandbox };
    yield { revision: revisionAt(history, from), complete: true };
  }
  for await (const entry of changesAfter(history, from, options)) {
    const news = newsOf(entry, query, present);
    if (news) yield { revision: revisionAt(history, entry.position), ...news };
  }
}

type News = { sandbox: Sandbox } | { removed: SandboxRef & { id: string } };

/** Undefined: nothing that concerns the watcher. */
function newsOf({ sandbox: told, event }: CoreEvent, query: WatchQuery, present: Present): News | undefined {
  const { namespace } = query;
  if (told === undefined || (namespace !== undefined && told.namespace !== namespace)) return undefined;
  const now = present.byId(told.id);
  // While a generation gives way to the next, the next is found by both ids.
  if (now?.id === told.id && fits(now, query)) return { sandbox: now };
  // An update may have taken the label off by which the watcher knows it.
  const wasKnown = event.type === 'updated' || fits({ namespace: told.namespace, spec: told }, query);
  return wasKnown ? { removed: { id: told.id, namespace: told.namespace, name: told.name } } : undefined;
}

async function* changesAfter(
  history: History,
  position: number,
  options?: CallOptions,
): AsyncGenerator<CoreEvent & { position: number }> {
  try {
    yield* history.changes(position, options);
  } catch (error) {
    if (FsbError.from(error).code !== 'outdated') throw error;
    throw outdated('the changes since this revision are no longer all remembered', error);
  }
}

const revisionAt = ({ epoch }: History, position: number): string => `${epoch}.${position}`;

function positionOf({ epoch, position: newest }: History, revision: string): number {
  const [, of, digits] = /^([0-9a-f]{8})\.(\d{1,15})$/.exec(revision) ?? [];
  if (of === undefined)
    throw new FsbError('invalid_argument', `there is no revision ${JSON.stringify(revision)}`, {
      hint: 'Use one that a list or a watch has told, as it is, or none to begin with what there is.',
    });
  const position = Number(digits);
  if (of !== epoch)
    throw outdated('the revision is of an earlier core: this one was started anew since then');
  if (position > newest) throw outdated('the revision is of another core');
  return position;
}

const outdated = (message: string, cause?: unknown): FsbError =>
  new FsbError('outdated', message, { hint: 'List again, and watch from the revision of that list.', cause });
