import type { CoreEvent } from '../../../model/event.ts';
import { coreView } from '../../../view/core-view.ts';
import { type EventView, eventView } from '../../../view/event-view.ts';
import { healthView } from '../../../view/health-view.ts';
import { logUsageView, setAsideView, systemUsageView } from '../../../view/usage-view.ts';
import { type Call, type Endpoint, endpoint, lineEndpoint, silentEndpoint } from './endpoint.ts';
import { eventQuery } from './schemas/query.ts';
import { removeLogsTerms } from './schemas/requests.ts';
import { event, health, info, removedSetAside, retainedLogs, usage } from './schemas/system-answers.ts';

async function* views(events: AsyncIterable<CoreEvent>): AsyncGenerator<EventView & Record<string, unknown>> {
  for await (const each of events) yield { ...eventView(each) };
}

/** What a browser sends when it comes back to a stream of events. */
function lastEventId({ headers }: Pick<Call, 'headers'>): number | undefined {
  const said = headers['last-event-id']?.toString();
  return said !== undefined && /^\d{1,15}$/.test(said) ? Number(said) : undefined;
}

export const systemEndpoints: Endpoint[] = [
  endpoint('GET /api/v1/system/info', info, {
    operation: 'getInfo',
    summary: 'What the core is and what it runs on.',
    handle: async ({ core, options }) => coreView(await core.system.info(options)),
  }),

  endpoint('GET /api/v1/system/usage', usage, {
    operation: 'getSystemUsage',
    summary: 'What everything takes. It walks the files of all sandboxes, so it may take long.',
    fails: ['run_failed'],
    handle: async ({ core, options }) => systemUsageView(await core.system.usage(options)),
  }),

  endpoint('GET /api/v1/system/health', health, {
    operation: 'getHealth',
    summary: 'How the store, the disk and the last start are.',
    handle: async ({ core, options }) => healthView(await core.system.health(options)),
  }),

  endpoint('GET /api/v1/system/retained-logs', retainedLogs, {
    operation: 'listRetainedLogs',
    summary: 'The logs that are kept of deleted sandboxes, oldest first.',
    handle: async ({ core, options }) => ({
      items: (await core.system.retainedLogs(options)).map(logUsageView),
    }),
  }),

  silentEndpoint('POST /api/v1/system/retained-logs/remove', {
    operation: 'removeRetainedLogs',
    summary: 'Removes logs of deleted sandboxes before their time.',
    body: removeLogsTerms,
    handle: ({ core, body, options }) => core.system.removeLogs(body.sandbox_ids, options),
  }),

  endpoint('DELETE /api/v1/system/set-aside', removedSetAside, {
    operation: 'removeSetAside',
    summary: 'Removes what could not be read and was set aside.',
    handle: async ({ core, options }) => ({
      items: (await core.system.removeSetAside(options)).map(setAsideView),
    }),
  }),

  lineEndpoint('GET /api/v1/events', event, {
    operation: 'watchEvents',
    summary: 'What happens, as it happens: a line each, or server-sent events where Accept asks for them.',
    query: eventQuery,
    headers: { 'Last-Event-ID': 'As after.' },
    fails: ['outdated'],
    handle: ({ core, query: { kind: kinds, after, ...rest }, headers, options }) =>
      views(core.system.events({ ...rest, kinds, after: after ?? lastEventId({ headers }) }, options)),
  }),
];
