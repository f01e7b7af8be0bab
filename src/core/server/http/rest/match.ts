import { FsbError } from '../../../model/failure/errors.ts';
import { HttpRefusal } from '../respond.ts';
import type { Endpoint } from './endpoint.ts';

interface Match {
  endpoint: Endpoint;
  params: Record<string, string>;
}

/**
 * The row that a request is for; undefined: nothing is at this path. HEAD is answered as GET, but for what goes on.
 * @throws 405 when the path takes other methods only, invalid_argument for a broken escape
 */
export function match(table: readonly Endpoint[], method: string, pathname: string): Match | undefined {
  const there = table.flatMap((endpoint) => {
    const params = paramsOf(endpoint.path, pathname);
    return params === undefined ? [] : [{ endpoint, params }];
  });
  if (there.length === 0) return undefined;
  const found = there.find(({ endpoint }) => methodsOf(endpoint).includes(method));
  if (found) return { ...found, params: decoded(found.params, pathname) };
  const allow = [...new Set(there.flatMap(({ endpoint }) => methodsOf(endpoint)))].join(', ');
  throw new HttpRefusal(405, `${method} is not for ${pathname}`, {
    headers: { allow },
    hint: `Use ${allow}.`,
  });
}

/** Whether something is at a path that has a template of these. */
export const isAt = (templates: readonly string[], pathname: string): boolean =>
  templates.some((template) => paramsOf(template, pathname) !== undefined);

const methodsOf = ({ method, answer }: Endpoint): string[] =>
  method === 'GET' && answer.kind === 'json' ? ['GET', 'HEAD'] : [method];

/** As they stand in the path. */
function paramsOf(template: string, pathname: string): Record<string, string> | undefined {
  const wanted = template.split('/');
  const given = pathname.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const value = given[at]!;
    const name = /^\{(.+)\}$/.exec(part)?.[1];
    if (name === undefined ? value !== part : value === '') return undefined;
    if (name !== undefined) params[name] = value;
  }
  return params;
}

function decoded(params: Record<string, string>, pathname: string): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    throw new FsbError('invalid_argument', `the path ${pathname} has a broken escape`);
  }
}
