import type { Sandbox } from '../../core/model/sandbox/sandbox.ts';
import type { SandboxDetailsView } from '../../core/view/sandbox-view.ts';
import { dockerState } from './docker-names.ts';
import type { Listing } from './output.ts';
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
}

/** Always an array, as docker has it. */
export function inspectListing(sandboxes: Sandbox[], now: number): Listing<InspectView> {
  const details = sandboxDetails(sandboxes, now, true);
  return { ...details, items: details.items.map(inspectView) } as Listing<InspectView>;
}

const NEVER = '0001-01-01T00:00:00Z';

function inspectView(view: SandboxDetailsView): InspectView {
  const { phase, spec } = view;
  const Status = dockerState(view);
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
    ...view,
  };
}
