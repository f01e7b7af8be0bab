import type { DeleteOptions, ResetOptions, StopOptions } from '../../api/sandbox-api.ts';
import { DEFAULT_NAMESPACE } from '../../model/ids.ts';
import type { ExitStatus } from '../../model/process.ts';
import { parseDuration, parseSize } from '../../model/quantity.ts';
import type { SandboxRef } from '../../model/sandbox/sandbox.ts';
import type { Resources } from '../../model/sandbox/shape.ts';
import type {
  DeleteRequest,
  ResetRequest,
  StopRequest,
  ExitStatus as WireExitStatus,
  Mount as WireMount,
  Resources as WireResources,
} from '../gen/fastpath/v1/fastpath.ts';

/** Parts that requests and answers share. */

/** A map without the entries that are undefined, so that what is absent stays absent. */
export function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** The same for a section that may be absent as a whole. */
export const definedOrNone = <T extends object>(fields: T | undefined): T | undefined =>
  fields === undefined ? undefined : defined(fields);

/** A duration as users write it: a number is seconds. It must be one that parses. */
export function milliseconds(value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'number' ? Math.round(value * 1000) : parseDuration(value);
}

/** A size as users write it. It must be one that parses. */
export const bytes = (value: string | number | undefined): number | undefined =>
  typeof value === 'string' ? parseSize(value) : value;

/** A bare number would be seconds to the parser. Not finite or negative: let the validation say so. */
export const durationFromWire = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : `${ms}ms`;

export const refToWire = (ref: SandboxRef): { sandboxName: string; namespace: string } => ({
  sandboxName: ref.name,
  namespace: ref.namespace,
});

export const refFromWire = (wire: { sandboxName: string; namespace: string }): SandboxRef => ({
  namespace: wire.namespace === '' ? DEFAULT_NAMESPACE : wire.namespace,
  name: wire.sandboxName,
});

export const exitToWire = (status: ExitStatus): WireExitStatus => ({
  code: status.code ?? undefined,
  signal: status.signal ?? undefined,
  oomKilled: status.oomKilled,
});

export const exitFromWire = (wire: WireExitStatus): ExitStatus => ({
  code: wire.code ?? null,
  signal: wire.signal ?? null,
  ...(wire.oomKilled === undefined ? {} : { oomKilled: wire.oomKilled }),
});

export const resourcesToWire = (resources: Partial<Resources>): WireResources => ({
  cpus: resources.cpus,
  memory: resources.memory,
  pids: resources.pids,
  disk: resources.disk,
});

/** As users write them: sizes may be texts, which must be some that parse. */
export const saidResourcesToWire = ({
  memory,
  disk,
  ...numbers
}: Partial<Record<'cpus' | 'pids', number> & Record<'memory' | 'disk', string | number>>): WireResources =>
  resourcesToWire({ ...numbers, memory: bytes(memory), disk: bytes(disk) });

export const mountToWire = (mount: { source: string; target: string; read_only?: boolean }): WireMount => ({
  source: mount.source,
  target: mount.target,
  readOnly: mount.read_only,
});

export const mountFromWire = (wire: WireMount): { source: string; target: string; read_only?: boolean } =>
  defined({ source: wire.source, target: wire.target, read_only: wire.readOnly });

export const stopToWire = (ref: SandboxRef, { grace, stopSignal }: StopOptions): StopRequest => ({
  ...refToWire(ref),
  graceMilliseconds: grace,
  stopSignal,
});

export const stopFromWire = (wire: StopRequest): Pick<StopOptions, 'grace' | 'stopSignal'> =>
  defined({ grace: wire.graceMilliseconds, stopSignal: wire.stopSignal });

export const resetToWire = (ref: SandboxRef, options: ResetOptions): ResetRequest => ({
  ...stopToWire(ref, options),
  revision: options.revision,
});

export const resetFromWire = (wire: ResetRequest): Omit<ResetOptions, 'signal'> =>
  defined({ ...stopFromWire(wire), revision: wire.revision });

export const deleteToWire = (ref: SandboxRef, { grace, wait }: DeleteOptions): DeleteRequest => ({
  ...refToWire(ref),
  graceMilliseconds: grace,
  wait,
});

export const deleteFromWire = (wire: DeleteRequest): Pick<DeleteOptions, 'grace' | 'wait'> =>
  defined({ grace: wire.graceMilliseconds, wait: wire.wait });
