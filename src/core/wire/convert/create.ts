import type { CreateRequest } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { DEFAULT_NAMESPACE } from '../../model/ids.ts';
import { parseDuration, parseSize } from '../../model/quantity.ts';
import type { SandboxSpecInput } from '../../model/sandbox/spec.ts';
import { type Check, fits, isFlag, isNumber, isText, isTextMap, isTexts, isWhole } from '../fits.ts';
import {
  ConsistencyMode,
  FailurePolicy,
  type CreateRequest as WireCreateRequest,
} from '../gen/fastpath/v1/fastpath.ts';
import { milliseconds, mountToWire, saidResourcesToWire } from './parts.ts';
import { specInputFromWire } from './spec.ts';

const isPort: Check = (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;
const isDuration: Check = (value) => isNumber(value) || parses(value, parseDuration);
const isSize: Check = (value) => isWhole(value) || parses(value, parseSize);
const isPolicy: Check = (value) => isText(value) && policyNumber(value) !== undefined;
const isMode: Check = (value) => value === 'fast' || value === 'strong';
const isResources: Check = (value) =>
  fits(value, { cpus: isNumber, memory: isSize, pids: isWhole, disk: isSize });
const isMount: Check = (value) => fits(value, { source: isText, target: isText, read_only: isFlag });

const fields: Record<keyof SandboxSpecInput, Check> = {
  image: isText,
  command: isTexts,
  args: isTexts,
  envs: isTextMap,
  working_dir: isText,
  user: isText,
  tty: isFlag,
  stdin: isFlag,
  pool_ref: isText,
  exposed_ports: (value) => Array.isArray(value) && value.every(isPort),
  consistency_mode: isMode,
  failure_policy: isPolicy,
  recovery_timeout_seconds: isWhole,
  expire_time: isWhole,
  ttl: isDuration,
  labels: isTextMap,
  resources: isResources,
  network: isText,
  mounts: (value) => Array.isArray(value) && value.every(isMount),
  grace_period: isDuration,
};

/**
 * Protobuf has no place for a key it does not know or a value of another type, and would drop them silently. Such a
 * spec is refused here, by the same validation and with the same words as in the core. The validator itself (zod) is
 * loaded for that case only: it would cost each `run` more than the whole call.
 *
 * @throws invalid_argument
 */
export async function assertSpecFitsWire(spec: SandboxSpecInput): Promise<void> {
  // Absent and empty texts are one thing in protobuf, so `pool_ref: ''` would lose its error too.
  if (
    fits(spec, fields) &&
    spec.image !== '' &&
    spec.image !== undefined &&
    spec.pool_ref !== '' &&
    isNetwork(spec)
  )
    return;
  const { parseSpec } = await import('../../model/sandbox/spec.ts');
  parseSpec(spec);
  throw new FsbError(
    'internal',
    'the sandbox spec cannot be sent to the core, but its validation finds no fault',
  );
}

const isNetwork = (spec: SandboxSpecInput): boolean => (spec.network as string | undefined) !== '';

/** The spec must have passed assertSpecFitsWire. */
export function createToWire(request: CreateRequest): WireCreateRequest {
  const { spec } = request;
  return {
    image: spec.image,
    poolRef: spec.pool_ref ?? '',
    exposedPorts: spec.exposed_ports ?? [],
    command: spec.command ?? [],
    args: spec.args ?? [],
    namespace: request.namespace,
    consistencyMode: spec.consistency_mode === 'strong' ? ConsistencyMode.STRONG : ConsistencyMode.FAST,
    name: request.name,
    envs: spec.envs ?? {},
    workingDir: spec.working_dir ?? '',
    labels: spec.labels ?? {},
    user: spec.user ?? '',
    tty: spec.tty ?? false,
    stdin: spec.stdin ?? false,
    failurePolicy: spec.failure_policy === undefined ? undefined : policyNumber(spec.failure_policy),
    recoveryTimeoutSeconds: spec.recovery_timeout_seconds,
    expireTimeSeconds: spec.expire_time ?? 0,
    ttlMilliseconds: milliseconds(spec.ttl),
    resources: spec.resources && saidResourcesToWire(spec.resources),
    network: spec.network ?? '',
    mounts: (spec.mounts ?? []).map(mountToWire),
    gracePeriodMilliseconds: milliseconds(spec.grace_period),
    idempotencyKey: request.idempotencyKey ?? '',
    imageDigest: request.imageDigest ?? '',
    autoRemove: request.autoRemove ?? false,
    detached: request.detached,
    size: request.size,
  };
}

export function createFromWire(wire: WireCreateRequest): CreateRequest {
  return {
    namespace: wire.namespace === '' ? DEFAULT_NAMESPACE : wire.namespace,
    name: wire.name,
    spec: specInputFromWire(wire),
    ...(wire.imageDigest === '' ? {} : { imageDigest: wire.imageDigest }),
    ...(wire.idempotencyKey === '' ? {} : { idempotencyKey: wire.idempotencyKey }),
    ...(wire.autoRemove && { autoRemove: true }),
    ...(wire.detached === undefined ? {} : { detached: wire.detached }),
    ...(wire.size && { size: wire.size }),
  };
}

export function policyNumber(policy: string): FailurePolicy | undefined {
  const word = policy.toLowerCase().replaceAll(/[-_]/g, '');
  if (word === 'manual') return FailurePolicy.MANUAL;
  return word === 'auto' || word === 'autorecreate' ? FailurePolicy.AUTO_RECREATE : undefined;
}

function parses(value: unknown, parse: (text: string) => number): boolean {
  if (!isText(value)) return false;
  try {
    return Number.isSafeInteger(parse(value));
  } catch {
    return false;
  }
}
