import { z } from 'zod';
import { EVENT_KINDS } from '../../../../model/event.ts';
import { FsbError } from '../../../../model/failure/errors.ts';
import { phases } from '../../../../model/sandbox/phase.ts';
import { duration, labelKey } from '../../../../model/sandbox/spec.ts';

/** What stands behind the `?` of a URL, where everything is text. */

/** As those of streams: the name alone is enough. */
export const flag = z
  .stringbool({ truthy: ['true', '1', ''], falsy: ['false', '0'], error: 'must be true or false' })
  .meta({ type: 'boolean' });

export const whole = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number)
  .meta({ type: 'integer', minimum: 0 });

const moment = z
  .string()
  .transform((value, ctx) => {
    const time = /^\d{4}-/.test(value) ? Date.parse(value) : Number.NaN;
    if (!Number.isNaN(time)) return time;
    ctx.addIssue({ code: 'custom', message: 'must be a time like 2026-03-01T12:00:00Z' });
    return z.NEVER;
  })
  .meta({ type: 'string', format: 'date-time' });

/** Given several times, or once with commas. */
const words = <Item extends z.ZodType<unknown, string>>(item: Item) =>
  z
    .array(z.string())
    .transform((texts) => texts.flatMap((text) => text.split(',')))
    .pipe(z.array(item));

const labels = words(z.string().regex(/^[^=]+=/s, 'must be KEY=VALUE'))
  .transform((pairs) =>
    Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  )
  .pipe(z.record(labelKey, z.string()));

/** In any case, as on the command line. */
const phase = z
  .string()
  .transform((word) => phases.find((one) => one.toLowerCase() === word.toLowerCase()) ?? word)
  .pipe(z.enum(phases));

const namespaceQuery = {
  namespace: z.string().optional().meta({ description: 'Left out: default.' }),
  all_namespaces: flag.optional(),
};

export const listQuery = z.strictObject({
  ...namespaceQuery,
  labels: labels.optional().meta({ description: 'KEY=VALUE, of which each must be there.' }),
  phase: words(phase)
    .optional()
    .meta({ description: `One or more of ${phases.join(', ')}.` }),
  limit: whole.optional().meta({ description: 'How many a page has; left out: all.' }),
  page_token: z.string().optional().meta({ description: 'next_page_token of the page before.' }),
});

export const watchQuery = z.strictObject({
  ...namespaceQuery,
  labels: listQuery.shape.labels,
  revision: z
    .string()
    .optional()
    .meta({ description: 'Of a list or an earlier watch; left out: first what there is.' }),
});

export const usageQuery = z.strictObject(namespaceQuery);

export const deleteQuery = z.strictObject({
  grace: duration.optional().meta({ description: 'Between the stop signal and SIGKILL: 10s, or seconds.' }),
  wait: flag.optional().meta({ description: 'false: answer when the name is free; the teardown goes on.' }),
});

export const forceQuery = z.strictObject({ force: flag.optional() });

export const importQuery = z.strictObject({
  name: z.string().optional().meta({ description: 'In place of the names inside.' }),
  rootfs: flag
    .optional()
    .meta({ description: 'The tar is a root file system, which becomes the one layer.' }),
  changes: z
    .array(z.string())
    .optional()
    .meta({ description: 'Of a root file system: instructions of a Dockerfile, like CMD ["sh"].' }),
  platform: z
    .string()
    .optional()
    .meta({ description: "Of a root file system: linux/arm64; left out: the machine's own." }),
});

export const releaseQuery = z.strictObject({
  destroy: flag.optional().meta({ description: 'Destroy the instance, whatever the pool does otherwise.' }),
});

export const eventQuery = z.strictObject({
  after: whole.optional().meta({ description: 'seq of the last one that was read.' }),
  since: moment.optional(),
  pool: z.string().optional(),
  kind: words(z.enum(EVENT_KINDS))
    .optional()
    .meta({ description: `One or more of ${EVENT_KINDS.join(', ')}.` }),
  follow: flag.default(true),
});

export const agentLogsQuery = z.strictObject({
  sandboxId: z.string('must be given'),
  follow: flag.default(false),
});

/** @returns undefined for all of them @throws invalid_argument */
export function namespaceOf(query: z.output<typeof usageQuery>, fallback: string): string | undefined {
  if (query.all_namespaces !== true) return query.namespace ?? fallback;
  if (query.namespace === undefined) return undefined;
  throw new FsbError('invalid_argument', 'namespace and all_namespaces are both given', {
    hint: 'Give one of them.',
  });
}
