import { z } from 'zod';
import type { ImageDetailsView } from '../../../../view/image-details-view.ts';
import type { ImageView, PrunedView, RemovedView } from '../../../../view/image-view.ts';
import type { PullView } from '../../../../view/pull-view.ts';
import { answer, list } from './components.ts';
import { time } from './sandbox-answers.ts';

const texts = z.array(z.string());

const fields = {
  ...{ references: texts, repo_digests: texts, digest: z.string(), os: z.literal('linux') },
  ...{ architecture: z.string(), variant: z.string(), created: time.nullable(), imported_at: time },
  ...{ size_bytes: z.int(), unique_size_bytes: z.int(), used_by: texts },
};

const image = answer('Image', z.strictObject(fields) satisfies z.ZodType<ImageView>);
export const images = list('ImageList', image);

export const imageDetails = answer(
  'ImageDetails',
  z.strictObject({
    ...fields,
    ...{ config_digest: z.string(), media_type: z.string(), author: z.string() },
    config: z.strictObject({
      ...{ entrypoint: texts, cmd: texts, env: texts, user: z.string(), working_dir: z.string() },
      ...{ stop_signal: z.string().nullable(), exposed_ports: z.array(z.int()) },
      labels: z.record(z.string(), z.string()),
    }),
    layers: z.array(
      z.strictObject({
        ...{ digest: z.string(), diff_id: z.string(), media_type: z.string() },
        ...{ size_bytes: z.int(), unpacked_size_bytes: z.int() },
      }),
    ),
    history: z.array(
      z.strictObject({
        ...{ created: time.nullable(), created_by: z.string(), comment: z.string(), empty: z.boolean() },
      }),
    ),
  }) satisfies z.ZodType<ImageDetailsView>,
);

const layer = z.strictObject({
  id: z.string().meta({ description: 'First 12 digits of its digest.' }),
  state: z.enum(['waiting', 'downloading', 'retrying', 'downloaded', 'unpacking', 'done', 'present']),
  current: z.int().meta({ description: 'Bytes of the layer as it comes.' }),
  total: z.int(),
});

/** Of a pull: steps, then `done`, or an error in place of it. */
export const pullStep = answer(
  'PullStep',
  z.union([
    z.strictObject({
      ...{ kind: z.literal('resolved'), reference: z.string(), digest: z.string(), layers: z.array(layer) },
    }),
    z.strictObject({ kind: z.literal('layer'), layer }),
    z.strictObject({ kind: z.literal('note'), message: z.string() }),
    z.strictObject({
      ...{
        kind: z.literal('done'),
        reference: z.string(),
        digest: z.string(),
        up_to_date: z.boolean(),
        image,
      },
    }),
  ]) satisfies z.ZodType<PullView>,
);

export const removed = answer(
  'RemovedImage',
  z.strictObject({
    ...{ digest: z.string(), untagged: texts, deleted: z.boolean(), freed_bytes: z.int() },
  }) satisfies z.ZodType<RemovedView>,
);

export const pruned = answer(
  'PrunedImages',
  z.strictObject({ removed: z.array(removed), freed_bytes: z.int() }) satisfies z.ZodType<PrunedView>,
);

export const loggedIn = answer(
  'LoggedIn',
  z.strictObject({
    identity_token: z.string().nullable().meta({ description: 'To keep instead of the password.' }),
  }),
);
