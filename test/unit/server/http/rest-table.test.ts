import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { openApi } from '../../../../src/core/server/http/rest/openapi.ts';
import {
  streamOperations,
  streamParameters,
} from '../../../../src/core/server/http/rest/stream-operations.ts';
import { table } from '../../../../src/core/server/http/rest/table.ts';
import { poolStream } from '../../../../src/core/server/ws/pool-streams.ts';
import { sandboxStream } from '../../../../src/core/server/ws/sandbox-streams.ts';
import { hostCore } from '../../../helpers/core/host-core/host-core.ts';

/** The operation that calls a method of CoreApi, or why there is none. */
const coverage: Record<string, string> = {
  'sandboxes.create': 'createSandbox',
  'sandboxes.get': 'getSandbox',
  'sandboxes.list': ': listSandboxes answers pages, of which one may be all',
  'sandboxes.page': 'listSandboxes',
  'sandboxes.watch': 'watchSandboxes',
  'sandboxes.delete': 'deleteSandbox',
  'sandboxes.logs': 'getSandboxLogs',
  'sandboxes.exec': 'execInSandbox',
  'sandboxes.attach': 'attachToSandbox',
  'sandboxes.wait': 'waitSandbox',
  'sandboxes.stop': 'stopSandbox',
  'sandboxes.start': 'startSandbox',
  'sandboxes.restart': 'restartSandbox',
  'sandboxes.reset': 'resetSandbox',
  'sandboxes.pause': 'pauseSandbox',
  'sandboxes.unpause': 'unpauseSandbox',
  'sandboxes.signal': 'signalSandbox',
  'sandboxes.rename': 'renameSandbox',
  'sandboxes.update': 'updateSandbox',
  'sandboxes.usage': 'listSandboxUsage',
  'pools.status': 'listPoolStatus',
  'pools.list': 'listPools',
  'pools.get': 'getPool',
  'pools.create': 'createPool',
  'pools.update': 'updatePool',
  'pools.delete': 'deletePool',
  'pools.stop': 'stopPool',
  'pools.drain': 'drainPool',
  'pools.run': 'runInPool',
  'pools.lease': 'createLease',
  'pools.leases': 'listLeases',
  'pools.exec': 'execInLease',
  'pools.kill': 'killLease',
  'pools.release': 'releaseLease',
  'images.pull': 'pullImage',
  'images.import': 'importImage',
  'images.list': 'listImages',
  'images.inspect': 'inspectImage',
  'images.tag': 'tagImage',
  'images.remove': 'removeImage',
  'images.prune': 'pruneImages',
  'images.save': 'saveImages',
  'images.login': 'login',
  'system.info': 'getInfo',
  'system.usage': 'getSystemUsage',
  'system.health': 'getHealth',
  'system.retainedLogs': 'listRetainedLogs',
  'system.removeLogs': 'removeRetainedLogs',
  'system.removeSetAside': 'removeSetAside',
  'system.events': 'watchEvents',
};

const documented = (): string[] => [...table, ...streamOperations].map(({ operation }) => operation);

/** Of an object with functions in it, or of one of a class. */
function methodsOf(api: object): string[] {
  const { prototype } = Object;
  const made = Object.getPrototypeOf(api) as object;
  const names = [...Object.keys(api), ...(made === prototype ? [] : Object.getOwnPropertyNames(made))];
  return names.filter((name) => typeof (api as Record<string, unknown>)[name] === 'function');
}

describe('the route table', () => {
  it('has each operation and each route once', () => {
    const twice = (all: string[]): string[] => all.filter((each, at) => all.indexOf(each) !== at);
    expect(twice(documented())).toEqual([]);
    const streams = streamOperations.map(({ path }) => `GET ${path}`);
    expect(twice([...table.map(({ method, path }) => `${method} ${path}`), ...streams])).toEqual([]);
  });

  it('covers every method of a core, or there is a reason', async () => {
    const core = hostCore();
    const served = (['sandboxes', 'pools', 'images', 'system'] as const).flatMap((part) =>
      methodsOf(core[part])
        .filter((name) => !['constructor', 'close'].includes(name))
        .map((name) => `${part}.${name}`),
    );
    await core.close();
    expect(served.filter((name) => coverage[name] === undefined)).toEqual([]);
    const operations = new Set(documented());
    const named = Object.values(coverage).filter((name) => !name.startsWith(':'));
    expect(named.filter((name) => !operations.has(name))).toEqual([]);
  });

  it('documents streams that are served', () => {
    for (const { path } of streamOperations) expect(sandboxStream(path) ?? poolStream(path)).toBeDefined();
  });

  it('documents where a request that is too long for a URL goes', () => {
    const taking = streamOperations.filter((stream) =>
      streamParameters(stream).some(({ name }) => name === 'request'),
    );
    expect(taking.map(({ operation }) => operation)).toEqual(['execInSandbox', 'runInPool', 'execInLease']);
  });

  it('makes a document that OpenAPI 3.1 takes', async () => {
    const result = await new Validator().validate(structuredClone(openApi()));
    expect(result).toMatchObject({ valid: true });
  });

  it('says it in words that generators of clients understand', () => {
    const { components, paths } = openApi() as {
      components: { schemas: Record<string, object> };
      paths: object;
    };
    const nodesOf = (value: unknown): Record<string, unknown>[] =>
      typeof value !== 'object' || value === null
        ? []
        : [value as Record<string, unknown>, ...Object.values(value).flatMap(nodesOf)];
    const nodes = nodesOf([components.schemas, paths]);
    const formats = nodes.map(({ format }) => format).filter((format) => typeof format === 'string');
    expect(new Set(formats)).toEqual(new Set(['date-time', 'binary']));
    expect(nodes.filter(({ type, pattern }) => pattern !== undefined && type !== 'string')).toEqual([]);
    // With one, a field of a request would have to be given.
    expect(nodesOf(components.schemas).filter((node) => 'default' in node)).toEqual([]);
    expect(components.schemas.SandboxSpec).toMatchObject({
      required: ['image'],
      properties: { recovery_timeout_seconds: { description: 'Default: 60.' } },
    });
  });

  it('documents that a command cannot be executed of everything that starts one', () => {
    const { paths } = openApi() as { paths: Record<string, { post?: { responses: object } }> };
    const starting = ['/api/v1/agent/create', '/api/v1/sandboxes'];
    for (const path of starting) expect(paths[path]?.post?.responses).toHaveProperty('422');
  });

  it('documents how to show who calls, and what a stranger is answered, of every operation', () => {
    const { paths, components, security } = openApi() as {
      paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
      components: { securitySchemes: Record<string, unknown> };
      security: Record<string, unknown>[];
    };
    expect(components.securitySchemes).toMatchObject({ token: { type: 'http', scheme: 'bearer' } });
    // Nothing is needed over the user's own sockets.
    expect(security).toEqual([{ token: [] }, { certificate: [] }, {}]);
    for (const { operationId, responses } of Object.values(paths).flatMap((path) => Object.values(path)))
      expect([operationId, ...Object.keys(responses)]).toEqual(expect.arrayContaining(['401', '403', '429']));
  });

  it('documents every row, and names only components that are there', () => {
    const document = openApi() as {
      paths: Record<string, Record<string, { operationId: string }>>;
      components: { schemas: Record<string, unknown> };
    };
    const operations = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(operations.sort()).toEqual(documented().sort());
    const refs = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(.+?)"/g)].map(
      ([, id]) => id!,
    );
    expect(refs.filter((id) => document.components.schemas[id] === undefined)).toEqual([]);
  });
});
