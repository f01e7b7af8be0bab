import { z } from 'zod';
import { FsbError } from '../../../model/failure/errors.ts';
import { describeIssues } from '../../../model/failure/issues.ts';
import { isList, keysOf } from './schemas/bare.ts';

/** @throws invalid_argument that names every wrong key and value, with the key that was probably meant */
function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { lines, hint } = describeIssues(result.error.issues, keysOf(schema));
  throw new FsbError('invalid_argument', `invalid ${what}: ${lines.join('; ')}`, { hint });
}

/** Lists may be named several times, everything else once. @throws invalid_argument */
export function checkQuery<Schema extends z.ZodObject>(
  schema: Schema,
  query: URLSearchParams,
): z.output<Schema> {
  const given: Record<string, unknown> = Object.create(null);
  for (const key of new Set(query.keys())) {
    const values = query.getAll(key);
    const field: z.core.$ZodType | undefined = Object.hasOwn(schema.shape, key)
      ? schema.shape[key]
      : undefined;
    if (field !== undefined && isList(field)) given[key] = values;
    else if (values.length === 1) given[key] = values[0];
    else throw new FsbError('invalid_argument', `invalid query: ${key}: must be given once`);
  }
  return checked(schema, { ...given }, 'query');
}

const nothing = z.strictObject({}).optional();

/** @param schema undefined: takes none, and none with keys is refused @throws invalid_argument */
export const checkBody = (schema: z.ZodType | undefined, body: unknown): unknown =>
  checked(schema ?? nothing, body, 'body');
