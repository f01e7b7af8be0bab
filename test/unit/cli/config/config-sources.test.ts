import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../../src/cli/config/context.ts';
import { CONFIG_KEYS, type Config } from '../../../../src/cli/config/schema.ts';
import { chooseCore, type Origin, type Sources, settingOf } from '../../../../src/cli/config/sources.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';

/** Whoever may say something about a setting, and what. */
interface Said {
  flags: Sources['flags'];
  env: Record<string, string>;
  project?: Config;
  user?: Config;
}

const contexts: Record<string, Context> = {
  default: { endpoint: '' },
  one: { endpoint: 'tcp://one:1', namespace: 'ns-one' },
  two: { endpoint: 'ssh://two' },
};

const sources = ({ flags, env, project, user }: Said): Sources => ({
  flags,
  env,
  project: project && { scope: 'project', file: '/p/.fsb/config.json', values: project },
  user: user && { scope: 'user', file: '/h/.fsb/config.json', values: user },
  context: (name) => {
    const found = contexts[name];
    if (found === undefined) throw new FsbError('not_found', `context ${name} does not exist`);
    return found;
  },
});

const context = fc.constantFrom('default', 'one', 'two');
const endpoint = fc.constantFrom('tcp://a:1', 'unix:///b', 'embedded:');
const word = fc.stringMatching(/^[a-z]{1,5}$/);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
/** Without the keys that nobody said. */
const some = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;

const oneCore = fc.oneof(
  fc.constant({}),
  endpoint.map((value) => ({ endpoint: value })),
  context.map((value) => ({ context: value })),
);
const rest = { namespace: word, pool: word, output: fc.constantFrom('json', 'wide') };
const said: fc.Arbitrary<Said> = fc.record({
  flags: fc
    .tuple(
      oneCore.map((core) => ('endpoint' in core ? { host: core.endpoint } : core)),
      some({ namespace: word, output: rest.output }),
    )
    .map(([core, more]) => ({ ...core, ...more })),
  env: some({ FSB_HOST: endpoint, FSB_CONTEXT: context, FSB_NAMESPACE: word }) as fc.Arbitrary<
    Record<string, string>
  >,
  project: maybe(some({ ...rest, context })),
  user: maybe(
    fc.tuple(oneCore, some({ ...rest, editor: word })).map(([core, more]) => ({ ...core, ...more })),
  ),
}) as fc.Arbitrary<Said>;

type Place = [value: string | undefined, source: Origin['source'], name: string];
const first = (places: Place[]): { value: string | undefined; origin: Origin } => {
  const [value, source, name] = places.find(([found]) => found !== undefined)!;
  return { value, origin: { source, name } };
};
const P = '/p/.fsb/config.json';
const U = '/h/.fsb/config.json';

describe('for any sources', () => {
  it('the core is that of the first who says one, and its origin is who that was', () => {
    fc.assert(
      fc.property(said, (all) => {
        const { flags, env, project, user } = all;
        const { value, origin } = first([
          [flags.host ?? (flags.context && `@${flags.context}`), 'flag', flags.host ? '--host' : '--context'],
          [env.FSB_HOST, 'environment', 'FSB_HOST'],
          [env.FSB_CONTEXT && `@${env.FSB_CONTEXT}`, 'environment', 'FSB_CONTEXT'],
          [project?.context && `@${project.context}`, 'project', P],
          [user?.endpoint ?? (user?.context && `@${user.context}`), 'user', U],
          ['@default', 'default', ''],
        ]);
        const name = value!.startsWith('@') ? value!.slice(1) : undefined;
        const core = chooseCore(sources(all));
        expect(core.origin).toEqual(origin);
        expect(core.context).toBe(name);
        expect(core.endpoint).toBe(name === undefined ? value : contexts[name]!.endpoint || undefined);
      }),
    );
  });

  it('every other setting is merged key by key', () => {
    fc.assert(
      fc.property(said, (all) => {
        const { flags, env, project, user } = all;
        const at = sources(all);
        const name = chooseCore(at).context;
        expect(settingOf('namespace', at)).toEqual(
          first([
            [flags.namespace, 'flag', '--namespace'],
            [env.FSB_NAMESPACE, 'environment', 'FSB_NAMESPACE'],
            [project?.namespace, 'project', P],
            [name && contexts[name]!.namespace, 'context', name ?? ''],
            [user?.namespace, 'user', U],
            ['default', 'default', ''],
          ]),
        );
        expect(settingOf('pool', at)).toEqual(
          first([
            [project?.pool, 'project', P],
            [user?.pool, 'user', U],
            ['default-pool', 'default', ''],
          ]),
        );
        expect(settingOf('output', at)).toEqual(
          first([
            [flags.output, 'flag', '--output'],
            [project?.output, 'project', P],
            [user?.output, 'user', U],
            ['table', 'default', ''],
          ]),
        );
      }),
    );
  });

  it('each setting has an origin', () => {
    fc.assert(
      fc.property(said, fc.constantFrom(...CONFIG_KEYS), (all, key) => {
        const { value, origin } = settingOf(key, sources(all));
        if (value === undefined) expect(['endpoint', 'context', 'editor']).toContain(key);
        expect(origin.name === '').toBe(origin.source === 'default');
      }),
    );
  });
});

describe('a choice that is none', () => {
  const choose = (all: Partial<Said>) => () => chooseCore(sources({ flags: {}, env: {}, ...all }));

  it('is refused: both at one place', () => {
    expect(choose({ flags: { host: 'tcp://a', context: 'one' } })).toThrow(
      '--host and --context contradict each other',
    );
    expect(choose({ user: { endpoint: 'tcp://a', context: 'one' } })).toThrow(
      'endpoint and context in /h/.fsb/config.json contradict each other',
    );
  });

  it('is refused: a context that is not there, and who named it', () => {
    expect(choose({ project: { context: 'none' } })).toThrow(
      'context none does not exist (named by /p/.fsb/config.json)',
    );
    expect(choose({ env: { FSB_CONTEXT: 'none' } })).toThrow('(named by FSB_CONTEXT)');
    expect(choose({ env: { FSB_CONTEXT: 'none', FSB_HOST: 'tcp://a' } })()).toMatchObject({
      endpoint: 'tcp://a',
    });
  });

  it('is none: an empty variable', () => {
    expect(choose({ env: { FSB_HOST: '', FSB_CONTEXT: '' } })()).toMatchObject({ context: 'default' });
  });
});
