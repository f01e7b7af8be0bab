import type { z } from 'zod';
import type { SandboxNews } from '../../../api/sandbox-api.ts';
import { FsbError } from '../../../model/failure/errors.ts';
import { DEFAULT_NAMESPACE } from '../../../model/ids.ts';
import type { SandboxRef } from '../../../model/sandbox/sandbox.ts';
import { type SandboxNewsView, sandboxNewsView } from '../../../view/news-view.ts';
import { sandboxDetailsView, sandboxView } from '../../../view/sandbox-view.ts';
import { sandboxUsageView } from '../../../view/usage-view.ts';
import { type Call, type Endpoint, endpoint, lineEndpoint, silentEndpoint } from './endpoint.ts';
import { deleteQuery, listQuery, namespaceOf, usageQuery, watchQuery } from './schemas/query.ts';
import { newSandbox, sandboxChange } from './schemas/requests.ts';
import { sandbox, sandboxNews, sandboxPage, sandboxUsage, sandboxUsages } from './schemas/sandbox-answers.ts';

const ONE = '/api/v1/sandboxes/{namespace}/{name}';

export const refOf = ({ params }: Pick<Call, 'params'>): SandboxRef => ({
  namespace: params.namespace!,
  name: params.name!,
});

/** What may go wrong with the start of a sandbox. */
export const startFailures = [
  ...(['not_found', 'image_not_found', 'no_capacity', 'run_failed'] as const),
  ...(['command_not_found', 'not_executable'] as const),
];

async function* newsOf(watch: AsyncIterable<SandboxNews>): AsyncGenerator<SandboxNewsView> {
  for await (const news of watch) yield sandboxNewsView(news);
}

function changeOf(body: z.output<typeof sandboxChange>) {
  const { expire_time, failure_policy, recovery_timeout_seconds, ...same } = body;
  return {
    ...{ ...same, expireTime: expire_time, failurePolicy: failure_policy },
    recoveryTimeoutSeconds: recovery_timeout_seconds,
  };
}

export const sandboxEndpoints: Endpoint[] = [
  endpoint('POST /api/v1/sandboxes', sandbox, {
    operation: 'createSandbox',
    summary: 'Creates a sandbox; answers when its main process runs.',
    body: newSandbox,
    headers: { 'Idempotency-Key': 'The same key with the same request gives the same sandbox.' },
    status: 201,
    fails: ['already_exists', ...startFailures],
    handle: async ({ core, body, said, headers, options }) => {
      const { namespace, name, image_digest: imageDigest, auto_remove: autoRemove, detached, size } = body;
      const idempotencyKey = headers['idempotency-key']?.toString();
      const going = { autoRemove, detached, size };
      const request = { namespace, name, spec: said.spec, imageDigest, idempotencyKey, ...going };
      return sandboxDetailsView(await core.sandboxes.create(request, options));
    },
  }),

  endpoint('GET /api/v1/sandboxes', sandboxPage, {
    operation: 'listSandboxes',
    summary: 'Sandboxes by namespace and name, in pages.',
    query: listQuery,
    handle: async ({ core, query, options }) => {
      const { labels, phase: phases, limit, page_token: token } = query;
      const namespace = namespaceOf(query, DEFAULT_NAMESPACE);
      const asked = { namespace, labels, phases, limit, token };
      const { items, next = null, revision } = await core.sandboxes.page(asked, options);
      return { items: items.map(sandboxView), next_page_token: next, revision };
    },
  }),

  lineEndpoint('GET /api/v1/watch', sandboxNews, {
    operation: 'watchSandboxes',
    summary: 'Every change of sandboxes: a line each, or server-sent events where Accept asks for them.',
    query: watchQuery,
    headers: { 'Last-Event-ID': 'As revision.' },
    fails: ['outdated'],
    handle: ({ core, query, headers, options }) => {
      const namespace = namespaceOf(query, DEFAULT_NAMESPACE);
      const revision = query.revision ?? headers['last-event-id']?.toString();
      return newsOf(core.sandboxes.watch({ namespace, labels: query.labels, revision }, options));
    },
  }),

  endpoint(`GET ${ONE}`, sandbox, {
    operation: 'getSandbox',
    summary: 'One sandbox, with the size of its log.',
    fails: ['not_found'],
    handle: async (call) => sandboxDetailsView(await call.core.sandboxes.get(refOf(call), call.options)),
  }),

  endpoint(`PATCH ${ONE}`, sandbox, {
    operation: 'updateSandbox',
    summary: 'Changes what is named; all of it or nothing.',
    body: sandboxChange,
    fails: ['not_found'],
    handle: async (call) =>
      sandboxDetailsView(await call.core.sandboxes.update(refOf(call), changeOf(call.body), call.options)),
  }),

  silentEndpoint(`DELETE ${ONE}`, {
    operation: 'deleteSandbox',
    summary: 'Deletes a sandbox; answers when nothing of it is left.',
    query: deleteQuery,
    fails: ['not_found'],
    handle: (call) => call.core.sandboxes.delete(refOf(call), { ...call.query, ...call.options }),
  }),

  endpoint(`GET ${ONE}/usage`, sandboxUsage, {
    operation: 'getSandboxUsage',
    summary: 'What a running sandbox uses at this moment.',
    fails: ['not_found', 'conflict'],
    handle: async ({ core, params, options }) => {
      const { namespace, name } = refOf({ params });
      const [usage] = await core.sandboxes.usage({ namespace, names: [name] }, options);
      if (usage !== undefined) return sandboxUsageView(usage);
      throw new FsbError('conflict', `sandbox ${name} is not running`, {
        hint: `See why with: fsb-ctl get ${name}`,
      });
    },
  }),

  endpoint('GET /api/v1/usage', sandboxUsages, {
    operation: 'listSandboxUsage',
    summary: 'What running sandboxes use at this moment.',
    query: usageQuery,
    handle: async ({ core, query, options }) => {
      const namespace = namespaceOf(query, DEFAULT_NAMESPACE);
      return { items: (await core.sandboxes.usage({ namespace }, options)).map(sandboxUsageView) };
    },
  }),
];
