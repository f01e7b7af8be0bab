import type { PoolRunRequest } from '../../api/pool-api.ts';
import type { ExecRequest } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { OnEmpty } from '../../model/pool/pool.ts';
import { defined } from '../convert/parts.ts';
import { type Check, fits, isNumber, isRecord, isText, isWhole } from '../fits.ts';
import { execFields, execToQuery, readExecFields, readExecJson } from './exec-request.ts';
import { type Fields, readFields } from './query-fields.ts';
import { inFrame, type Transport, toTransport } from './transport.ts';

/** A one-shot run, as the URL or the first frame of its stream; the pool is in the path. */

const isSize: Check = (value) => isText(value) || isWhole(value);
const isSimple: Record<string, Check> = {
  image: isText,
  imageDigest: isText,
  resources: (value) => fits(value, { cpus: isNumber, memory: isSize, pids: isWhole, disk: isSize }),
  network: isText,
  onEmpty: isText,
  wait: isNumber,
};

/** What has no field in a URL goes in a frame, also what nobody knows: the core then says what is wrong with it. */
export function runToTransport({ pool: _, exec, ...terms }: PoolRunRequest): Transport {
  const whole = { ...terms, exec };
  if (!fits(terms, isSimple)) return inFrame(whole);
  return toTransport(exec.argv, () => runToQuery(exec, terms), whole);
}

function runToQuery(exec: ExecRequest, terms: Omit<PoolRunRequest, 'pool' | 'exec'>): URLSearchParams {
  const { image, imageDigest, resources, network, onEmpty, wait } = terms;
  const query = execToQuery(exec);
  const fields = { image, image_digest: imageDigest, ...resources, network, on_empty: onEmpty, wait };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query;
}

export const runFields = {
  ...execFields,
  image: 'text',
  image_digest: 'text',
  cpus: 'number',
  memory: 'text',
  pids: 'count',
  disk: 'text',
  network: 'text',
  on_empty: 'text',
  // Milliseconds.
  wait: 'number',
} as const;

/** Its values are not checked yet, and there may be no command. @throws invalid_argument for unknown fields and for what does not read */
export function runFromQuery(pool: string, query: URLSearchParams): PoolRunRequest {
  const fields = readFields(query, runFields);
  return { ...termsOf(fields), pool, exec: onlyRun(readExecFields(fields)) };
}

function termsOf(fields: Fields<typeof runFields>): Omit<PoolRunRequest, 'pool' | 'exec'> {
  const { image, cpus, memory, pids, disk, wait } = fields;
  const resources = defined({ cpus, memory, pids, disk });
  return defined({
    image,
    imageDigest: fields.image_digest,
    resources: Object.keys(resources).length === 0 ? undefined : resources,
    // Words that the core does not know are kept for it to refuse.
    network: fields.network as PoolRunRequest['network'],
    onEmpty: fields.on_empty as OnEmpty | undefined,
    wait,
  });
}

/** Its values, but for those of `exec`, are not checked yet. @throws invalid_argument */
export function runFromJson(pool: string, value: Record<string, unknown>): PoolRunRequest {
  const { exec, ...terms } = value;
  if (!isRecord(exec))
    throw new FsbError('invalid_argument', 'the run request is not well-formed: it has no exec', {
      hint: 'It needs exec; image, imageDigest, resources, network, mounts, onEmpty and wait may be left out.',
    });
  return { ...terms, pool, exec: onlyRun(readExecJson(exec)) };
}

function onlyRun(exec: ExecRequest): ExecRequest {
  if (!exec.detach) return exec;
  throw new FsbError('invalid_argument', 'a one-shot run cannot be detached: it ends with its caller', {
    hint: 'Take a lease, and exec in it.',
  });
}
