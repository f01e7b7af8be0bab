import type { SandboxSpecInput } from '../../core/model/sandbox/spec.ts';
import type { ImageView } from '../../core/view/image-view.ts';
import type { LeaseView } from '../../core/view/lease-view.ts';
import type { SandboxView } from '../../core/view/sandbox-view.ts';

/** A row of each kind with all its fields: what an expression may name is the same where there is no row. */

const time = '2000-01-01T00:00:00.000Z';

const sampleSpec: Required<SandboxSpecInput> = {
  ...{ image: '', command: [], args: [], envs: {}, working_dir: '', user: '', tty: false, stdin: false },
  ...{ pool_ref: '', exposed_ports: [], consistency_mode: 'fast', failure_policy: '', expire_time: 0 },
  ...{ recovery_timeout_seconds: 0, ttl: 0, labels: {}, resources: {}, network: 'none', mounts: [] },
  grace_period: 0,
};

export const sampleSandbox: SandboxView = {
  ...{ name: '', namespace: '', id: '', generation: 1, phase: 'Pending', paused: false, reason: null },
  ...{ exit_code: null, signal: null, oom_killed: false, image: '', pool: '', node: '', endpoints: [] },
  ...{ labels: {}, created_at: time, started_at: null, ended_at: null, expires_at: null, recreate_at: null },
  ...{ warm: null, spec: sampleSpec, events: [] },
};

export const sampleLease: LeaseView = {
  ...{ id: '', pool: '', image: '', instance: '', warm: false, created_at: time, ttl_ms: 0, running: 0 },
};

export const sampleImage: ImageView = {
  ...{ references: [], repo_digests: [], digest: '', os: 'linux', architecture: '', variant: '' },
  ...{ created: null, imported_at: time, size_bytes: 0, unique_size_bytes: 0, used_by: [] },
};
