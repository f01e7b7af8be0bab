import { z } from 'zod';
import { FsbError } from '../../../model/failure/errors.ts';
import { describeIssues } from '../../../model/failure/issues.ts';
import { sandboxStatuses } from '../../../tools/pool/sandbox-view.ts';

/** Query parameters of the pool server. An empty value counts as left out. */

/** What clients of other pool servers call their sandboxes; here one kind does what these two do. */
const sandboxType = z.enum(['sandbox', 'docker', 'docker_notebook']).optional();

const number = z.string().transform((text, ctx) => {
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  ctx.addIssue({ code: 'custom', message: `must be a number, not ${JSON.stringify(text)}` });
  return z.NEVER;
});

export const initializeQuery = z.strictObject({
  pool_size: number.pipe(z.int('must be a whole number').min(1, 'must be at least 1').max(10_000)).optional(),
  sandbox_type: sandboxType,
});

export const executeQuery = z.strictObject({
  tool_name: z.string('must be given'),
  /** Seconds to wait for a sandbox. */
  timeout: number
    .pipe(z.number().positive('must be more than 0').max(86_400))
    .transform((value) => value * 1000)
    .optional(),
});

export const createQuery = z.strictObject({ sandbox_type: sandboxType });

export const listQuery = z.strictObject({
  status: z.enum(sandboxStatuses).optional(),
});

/** Of what takes none. */
export const noQuery = z.strictObject({});

export const archiveQuery = z.strictObject({
  target_dir: z
    .string('must be given')
    .startsWith('/', 'must be an absolute path')
    .refine((path) => !path.includes('\0'), 'must not contain a NUL byte'),
});

/** @throws invalid_argument that names every wrong parameter */
export function parseQuery<Schema extends z.ZodObject>(
  schema: Schema,
  query: URLSearchParams,
): z.output<Schema> {
  const said = [...query].filter(([, value]) => value !== '');
  const twice = said.map(([key]) => key).find((key, at, keys) => keys.indexOf(key) !== at);
  if (twice !== undefined)
    throw new FsbError('invalid_argument', `invalid query: ${twice}: must be given once`);
  const given = Object.fromEntries(said);
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const { lines, hint } = describeIssues(result.error.issues, Object.keys(schema.shape));
  throw new FsbError('invalid_argument', `invalid query: ${lines.join('; ')}`, { hint });
}

const toolCall = z.strictObject({
  sandbox_id: z.string('must be given'),
  tool_name: z.string('must be given'),
  parameters: z.record(z.string(), z.unknown()).default({}),
  /** Clients send null for none. */
  timeout: z.null('belongs among the parameters: it is the tool that takes it').optional(),
});

/** The body of POST /sandbox/tool/execute. @throws invalid_argument that names every wrong key */
export function parseToolCall(body: unknown): z.output<typeof toolCall> {
  const result = toolCall.safeParse(body);
  if (result.success) return result.data;
  const { lines, hint } = describeIssues(result.error.issues, Object.keys(toolCall.shape));
  throw new FsbError('invalid_argument', `invalid body: ${lines.join('; ')}`, { hint });
}
