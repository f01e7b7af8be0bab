import { shortId } from '../../../core/model/ids.ts';
import { shortDigest } from '../../../core/model/image/digest.ts';
import { familiarName } from '../../../core/model/image/reference.ts';
import { formatSize } from '../../../core/model/quantity.ts';
import type { ImageView } from '../../../core/view/image-view.ts';
import type { SandboxView } from '../../../core/view/sandbox-view.ts';
import type { DockerRow } from '../output.ts';
import { commandText, pairs, phaseText, portsOf } from '../sandbox-texts.ts';
import { sinceText } from './docker-age.ts';
import { type DockerState, dockerState } from './docker-state.ts';

/** What docker's templates call what our rows have: docs/output.md has the list. */

interface Terms {
  /** Milliseconds since the epoch. */
  now: number;
  /** Whole ids and digests. */
  full: boolean;
}

/** As `docker ps`. */
export const dockerSandbox = (view: SandboxView, { now, full }: Terms): DockerRow => ({
  ID: full ? view.id : shortId(view.id),
  Names: view.name,
  Image: view.image,
  CreatedAt: view.created_at,
  Command: commandText(view.spec),
  RunningFor: `${sinceText(view.created_at, now)} ago`,
  State: dockerStateOf(view),
  Status: statusText(view, now),
  Ports: portsOf(view).join(', '),
  Labels: pairs(view.labels),
  Networks: view.spec.network ?? '',
});

export const dockerStateOf = ({ phase, paused, exit_code }: SandboxView): DockerState =>
  dockerState(phase, { paused, hasStatus: exit_code !== null });

const WITHOUT_AGE: Partial<Record<DockerState, string>> = {
  created: 'Created',
  removing: 'Removal In Progress',
};

/**
 * `Up 3 seconds`, `Up 3 seconds (Paused)`, `Exited (0) 3 seconds ago`; what docker does not know is in our own words,
 * since when too: `Expired 3 seconds ago`.
 */
function statusText(view: SandboxView, now: number): string {
  const { phase, paused, started_at, ended_at, exit_code } = view;
  if (phase === 'Running' && started_at)
    return `Up ${sinceText(started_at, now)}${paused ? ' (Paused)' : ''}`;
  const alone = WITHOUT_AGE[dockerStateOf(view)];
  if (alone !== undefined) return alone;
  const ended = ended_at === null || view.recreate_at !== null ? '' : ` ${sinceText(ended_at, now)} ago`;
  const isExited = dockerStateOf(view) === 'exited' && exit_code !== null;
  return `${isExited ? `Exited (${exit_code})` : phaseText(view, now)}${ended}`;
}

const NONE = '<none>';

/** As `docker images`, by the first of its names. */
export function dockerImage(view: ImageView, { now, full }: Terms): DockerRow {
  const { references, repo_digests, created } = view;
  return {
    ...repositoryAndTag(familiarName(references[0] ?? repo_digests[0] ?? NONE)),
    ID: full ? view.digest : shortDigest(view.digest),
    Digest: view.digest,
    CreatedAt: created ?? '',
    CreatedSince: created === null ? '' : `${sinceText(created, now)} ago`,
    Size: formatSize(view.size_bytes),
    VirtualSize: formatSize(view.size_bytes),
    UniqueSize: formatSize(view.unique_size_bytes),
    SharedSize: formatSize(view.size_bytes - view.unique_size_bytes),
    Containers: String(view.used_by.length),
  };
}

/** Of `localhost:5000/tool:1`, `alpine@sha256:...`, `host`. */
function repositoryAndTag(name: string): DockerRow {
  const [, Repository = name, Tag = NONE] = /^(.+?)(?::([\w.-]+))?(?:@.*)?$/.exec(name) ?? [];
  return { Repository, Tag };
}
