import { shortId } from '../../core/model/ids.ts';
import { shortDigest } from '../../core/model/image/digest.ts';
import { familiarName } from '../../core/model/image/reference.ts';
import { formatSize } from '../../core/model/quantity.ts';
import type { Phase } from '../../core/model/sandbox/phase.ts';
import type { ImageView } from '../../core/view/image-view.ts';
import type { SandboxView } from '../../core/view/sandbox-view.ts';
import type { DockerRow } from './output.ts';
import { ageText, commandText, pairs, phaseText, portsOf } from './sandbox-texts.ts';

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
  RunningFor: `${ageText(view.created_at, now)} ago`,
  State: dockerState(view),
  Status: statusText(view, now),
  Ports: portsOf(view).join(', '),
  Labels: pairs(view.labels),
  Networks: view.spec.network ?? '',
});

/** docker's word for the phase: created, running, paused, removing, exited, dead. */
export const dockerState = ({ phase, paused }: SandboxView): string => (paused ? 'paused' : STATES[phase]);

const STATES: Record<Phase, string> = {
  Pending: 'created',
  Bound: 'created',
  Running: 'running',
  Exited: 'exited',
  Terminating: 'removing',
  Expired: 'exited',
  Failed: 'dead',
  Lost: 'dead',
};

/** `Up 3s`, `Up 3s (Paused)`, `Exited (0) 3s ago`; our own words for what docker does not know. */
function statusText(view: SandboxView, now: number): string {
  const { phase, paused, started_at, ended_at, exit_code } = view;
  if (phase === 'Running' && started_at) return `Up ${ageText(started_at, now)}${paused ? ' (Paused)' : ''}`;
  if (phase === 'Exited' && ended_at) return `Exited (${exit_code ?? 0}) ${ageText(ended_at, now)} ago`;
  return phaseText(view, now);
}

const NONE = '<none>';

/** As `docker images`: once by each of its names. */
export function dockerImages(view: ImageView, { now, full }: Terms): DockerRow[] {
  const { references, repo_digests, created } = view;
  const names = references.length > 0 ? references : [repo_digests[0] ?? NONE];
  return names.map((name) => ({
    ...repositoryAndTag(familiarName(name)),
    ID: full ? view.digest : shortDigest(view.digest),
    Digest: view.digest,
    CreatedAt: created ?? '',
    CreatedSince: created === null ? '' : `${ageText(created, now)} ago`,
    Size: formatSize(view.size_bytes),
    VirtualSize: formatSize(view.size_bytes),
    UniqueSize: formatSize(view.unique_size_bytes),
    SharedSize: formatSize(view.size_bytes - view.unique_size_bytes),
    Containers: String(view.used_by.length),
  }));
}

/** Of `localhost:5000/tool:1`, `alpine@sha256:...`, `host`. */
function repositoryAndTag(name: string): DockerRow {
  const [, Repository = name, Tag = NONE] = /^(.+?)(?::([\w.-]+))?(?:@.*)?$/.exec(name) ?? [];
  return { Repository, Tag };
}
