import type { z } from 'zod';
import { FsbError } from '../../../model/failure/errors.ts';
import type { ImportRequest, RegistryCredentials } from '../../../model/image/image-requests.ts';
import type { PullEvent } from '../../../model/image/pull.ts';
import { imageDetailsView } from '../../../view/image-details-view.ts';
import { imageView, prunedView, removedView } from '../../../view/image-view.ts';
import { type PullView, pullView } from '../../../view/pull-view.ts';
import { type Endpoint, endpoint, lineEndpoint, silentEndpoint, tarEndpoint } from './endpoint.ts';
import { imageDetails, images, loggedIn, pruned, pullStep, removed } from './schemas/image-answers.ts';
import { forceQuery, importQuery } from './schemas/query.ts';
import { loginTerms, pruneTerms, pullTerms, saveTerms, tagTerms } from './schemas/requests.ts';

const ONE = '/api/v1/images/{reference}';

/** Of those who talk to a registry. */
const registryFailures = [...(['unauthenticated', 'denied', 'unavailable'] as const)];

function credentialsOf(said: z.output<typeof loginTerms>['credentials']): RegistryCredentials {
  const { username, password, identity_token: identityToken, registry_token: registryToken } = said;
  return { username, password, identityToken, registryToken };
}

/** @throws invalid_argument */
function importOf(
  { name, rootfs = false, changes = [], platform }: z.output<typeof importQuery>,
  content: AsyncIterable<Buffer>,
): ImportRequest {
  if (!rootfs && (changes.length > 0 || platform !== undefined))
    throw new FsbError('invalid_argument', 'changes and platform are for a root file system', {
      hint: 'Add rootfs=true.',
    });
  return { source: { content }, name, rootfs: rootfs ? { changes, platform } : undefined };
}

async function* steps(events: AsyncIterable<PullEvent>): AsyncGenerator<PullView> {
  for await (const event of events) yield pullView(event);
}

export const imageEndpoints: Endpoint[] = [
  endpoint('GET /api/v1/images', images, {
    operation: 'listImages',
    summary: 'Images, host first, then by reference.',
    handle: async ({ core, options }) => ({ items: (await core.images.list(options)).map(imageView) }),
  }),

  endpoint(`GET ${ONE}`, imageDetails, {
    operation: 'inspectImage',
    summary: 'An image by reference or digest; slashes in it are written %2F.',
    fails: ['image_not_found'],
    handle: async ({ core, params, options }) =>
      imageDetailsView(await core.images.inspect(params.reference!, options)),
  }),

  lineEndpoint('POST /api/v1/images/pull', pullStep, {
    operation: 'pullImage',
    summary:
      'Brings an image from its registry, and tells how far it is. The last line is done, or an error.',
    body: pullTerms,
    fails: ['image_not_found', 'bad_image', 'no_capacity', ...registryFailures],
    handle: ({ core, body: { reference, platform, credentials }, options }) => {
      const login = credentials === undefined ? undefined : credentialsOf(credentials);
      return steps(core.images.pull({ reference, platform, credentials: login }, options));
    },
  }),

  endpoint('POST /api/v1/images/import', images, {
    operation: 'importImage',
    summary:
      'Brings in what is sent: an OCI archive, what docker save writes, or a tar of a root file system.',
    query: importQuery,
    isUpload: true,
    status: 201,
    fails: ['bad_image'],
    handle: async ({ core, query, content, options }) => {
      const request = importOf(query, content());
      return { items: (await core.images.import(request, options)).map(imageView) };
    },
  }),

  tarEndpoint('POST /api/v1/images/save', {
    operation: 'saveImages',
    summary: 'One tar with these images: an OCI archive, which docker load reads, too.',
    body: saveTerms,
    fails: ['image_not_found', 'unsupported', 'bad_image'],
    handle: ({ core, body, options }) => core.images.save(body.references, options),
  }),

  silentEndpoint(`POST ${ONE}/tag`, {
    operation: 'tagImage',
    summary: 'Gives it one more name.',
    body: tagTerms,
    fails: ['image_not_found', 'conflict'],
    handle: ({ core, params, body, options }) => core.images.tag(params.reference!, body.target, options),
  }),

  endpoint(`DELETE ${ONE}`, removed, {
    operation: 'removeImage',
    summary: 'Takes a name off, and removes the image with its last one.',
    query: forceQuery,
    fails: ['image_not_found', 'conflict'],
    handle: async ({ core, params, query, options }) =>
      removedView(await core.images.remove(params.reference!, { ...query, ...options })),
  }),

  endpoint('POST /api/v1/images/prune', pruned, {
    operation: 'pruneImages',
    summary: 'Removes what nothing uses, and what interrupted pulls have left.',
    body: pruneTerms,
    handle: async ({ core, body: { all, older_than: olderThan, labels = {}, dry_run: dryRun }, options }) => {
      const wanted = Object.entries(labels).map(([key, value]) => ({ key, value: value ?? undefined }));
      return prunedView(await core.images.prune({ all, olderThan, labels: wanted, dryRun }, options));
    },
  }),

  endpoint('POST /api/v1/images/login', loggedIn, {
    operation: 'login',
    summary: 'Asks a registry whether credentials are good; nothing of them is kept.',
    body: loginTerms,
    fails: registryFailures,
    handle: async ({ core, body: { registry, credentials }, options }) => {
      const { identityToken } = await core.images.login(
        { registry, credentials: credentialsOf(credentials) },
        options,
      );
      return { identity_token: identityToken ?? null };
    },
  }),
];
