import type { DockerRow, Listing } from '../output/output.ts';
import { describeRows } from '../output/rows.ts';
import type { Context } from './context.ts';
import type { Contexts } from './contexts.ts';

/** A context, as `-o json` shows it. */
export interface ContextView {
  name: string;
  /** Commands that say nothing else talk to this one. */
  current: boolean;
  endpoint: string;
  description: string;
  /** Null: the default one. */
  namespace: string | null;
  tls: Context['tls'] | null;
  /** Why it cannot be used; empty: it can. */
  error: string;
}

type KnownContexts = Pick<Contexts, 'names' | 'get'>;

interface ViewOptions {
  /** Undefined: none is. */
  current: string | undefined;
  /** Endpoint of the local core. */
  local: string;
}

export function contextView(name: string, contexts: KnownContexts, options: ViewOptions): ContextView {
  return viewOf(name, contexts.get(name), options);
}

function viewOf(name: string, context: Context, { current, local }: ViewOptions, error = ''): ContextView {
  return {
    name,
    current: name === current,
    endpoint: error === '' ? context.endpoint || local : '',
    description: context.description ?? '',
    namespace: context.namespace ?? null,
    tls: context.tls ?? null,
    error,
  };
}

/** Also those whose file is broken: somebody has to be told. */
export function contextListing(contexts: KnownContexts, options: ViewOptions): Listing<ContextView> {
  const items = contexts.names().map((name) => {
    try {
      return contextView(name, contexts, options);
    } catch (error) {
      return viewOf(name, { endpoint: '' }, options, (error as Error).message);
    }
  });
  const broken = items.some(({ error }) => error !== '');
  return {
    items,
    columns: [
      { title: 'NAME', whole: true, value: ({ name, current }) => (current ? `${name} *` : name) },
      { title: 'DESCRIPTION', spare: 0, value: ({ description }) => description },
      { title: 'ENDPOINT', whole: true, value: ({ endpoint }) => endpoint },
      { title: 'NAMESPACE', wide: true, value: ({ namespace }) => namespace ?? '' },
      { title: 'ERROR', wide: !broken, value: ({ error }) => error },
    ],
    name: ({ name }) => name,
    docker: (view) => [dockerContext(view)],
  };
}

/** As `docker context ls`. */
const dockerContext = ({ name, current, description, endpoint, error }: ContextView): DockerRow => ({
  ...{ Name: name, Current: current, Description: description, DockerEndpoint: endpoint, Error: error },
});

/** Of one that was made, changed or chosen. */
export const contextName = (name: string): Listing<Pick<ContextView, 'name'>> => ({
  items: [{ name }],
  ...{ single: true, columns: [], name: () => name, describe: () => `${name}\n` },
});

/** @param single for programs it is one, and no list */
export const contextDetails = (views: ContextView[], single = false): Listing<ContextView> => ({
  items: views,
  single,
  columns: [],
  name: ({ name }) => name,
  docker: (view) => [dockerContext(view)],
  describe: () => views.map(describeContext).join('\n'),
});

const describeContext = (view: ContextView): string =>
  describeRows([
    ['Name', view.name],
    ['Current', view.current ? 'yes' : 'no'],
    ['Description', view.description],
    ['Endpoint', view.endpoint],
    ['Namespace', view.namespace],
    ['CA', view.tls?.ca],
    ['Certificate', view.tls?.cert],
    ['Key', view.tls?.key],
    ['Token file', view.tls?.token_file],
    ['Server name', view.tls?.server_name],
  ]);
