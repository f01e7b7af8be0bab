import type { ImageDetails } from '../../../core/model/image/image.ts';
import type { Sandbox } from '../../../core/model/sandbox/sandbox.ts';
import type { SandboxDetailsView } from '../../../core/view/sandbox-view.ts';
import { dockerStateOf } from '../docker/docker-names.ts';
import type { Listing } from '../output.ts';
import { imageDetails } from './image-details-view.ts';
import { sandboxDetails } from './sandbox-details-view.ts';

/** What `docker inspect` calls things, beside our own names: scripts ask for `.State.Running`. */
export interface InspectView extends SandboxDetailsView {
  Id: string;
  Name: string;
  Created: string;
  State: {
    Status: string;
    Running: boolean;
    Paused: boolean;
    OOMKilled: boolean;
    Dead: boolean;
    ExitCode: number;
    Error: string;
    /** docker's first day where there is none. */
    StartedAt: string;
    FinishedAt: string;
  };
  Config: {
    Image: string;
    User: string;
    WorkingDir: string;
    Tty: boolean;
    OpenStdin: boolean;
    Env: string[];
    Entrypoint: string[];
    Cmd: string[];
    Labels: Record<string, string>;
  };
  Mounts: { Type: 'bind'; Source: string; Destination: string; Mode: 'ro' | 'rw'; RW: boolean }[];
}

/** Always an array, as docker has it: sandboxes, and images as `image inspect` shows them. */
export function inspectedListing(
  found: ({ sandbox: Sandbox } | { image: ImageDetails })[],
  now: number,
): Listing<object> {
  const each = found.map(
    (one): Listing<object> =>
      'sandbox' in one
        ? sandboxListing(one.sandbox, now)
        : (imageDetails([one.image], now) as Listing<object>),
  );
  const listings = new Map(each.map((listing) => [listing.items[0]!, listing]));
  const of = (item: object): Listing<object> => listings.get(item)!;
  return {
    items: [...listings.keys()],
    columns: [],
    name: (item) => of(item).name(item),
    // Its JSON is docker's already, in which State is an object, and not the text of a list.
    docker: (item, asJson) => (asJson ? [{}] : (of(item).docker?.(item) ?? [{}])),
    describe: async (_, options) => {
      const texts = [...listings].map(([item, { describe }]) => describe!(item, options));
      return (await Promise.all(texts)).join('\n');
    },
  };
}

function sandboxListing(sandbox: Sandbox, now: number): Listing<object> {
  const details = sandboxDetails([sandbox], now, true);
  return { ...details, items: details.items.map(inspectView) } as Listing<object>;
}

const NEVER = '0001-01-01T00:00:00Z';

function inspectView(view: SandboxDetailsView): InspectView {
  const { phase, spec } = view;
  const Status = dockerStateOf(view);
  return {
    ...{ Id: view.id, Name: view.name, Created: view.created_at },
    State: {
      ...{ Status, Running: phase === 'Running', Paused: view.paused, OOMKilled: view.oom_killed },
      ...{ Dead: Status === 'dead', ExitCode: view.exit_code ?? 0, Error: view.reason ?? '' },
      ...{ StartedAt: view.started_at ?? NEVER, FinishedAt: view.ended_at ?? NEVER },
    },
    Config: {
      ...{ Image: view.image, User: spec.user ?? '', WorkingDir: spec.working_dir ?? '' },
      ...{ Tty: spec.tty === true, OpenStdin: spec.stdin === true },
      Env: Object.entries(spec.envs ?? {}).map(([key, value]) => `${key}=${value}`),
      ...{ Entrypoint: spec.command ?? [], Cmd: spec.args ?? [], Labels: view.labels },
    },
    Mounts: (spec.mounts ?? []).map(({ source, target, read_only = true }) => ({
      ...{ Type: 'bind', Source: source, Destination: target, Mode: read_only ? 'ro' : 'rw', RW: !read_only },
    })),
    ...view,
  };
}
