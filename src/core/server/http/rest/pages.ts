import { FsbError } from '../../../model/errors.ts';
import { refKey, type Sandbox } from '../../../model/sandbox.ts';

interface Page {
  items: Sandbox[];
  /** Null: this is the last one. */
  next: string | null;
}

/**
 * A page of sandboxes that are sorted by namespace and name. The token is the place of the last one that was told, so that
 * none that stays is told twice or left out, whatever changes in between.
 * @param limit undefined or 0: all
 * @throws invalid_argument for a token that is none
 */
export function pageOf(sandboxes: Sandbox[], limit = 0, token?: string): Page {
  const after = token === undefined ? undefined : placeOf(token);
  const rest = after === undefined ? sandboxes : sandboxes.filter((each) => isBehind(each, after));
  const items = limit === 0 ? rest : rest.slice(0, limit);
  const last = items.at(-1);
  const next = items.length < rest.length && last ? Buffer.from(refKey(last)).toString('base64url') : null;
  return { items, next };
}

interface Place {
  namespace: string;
  name: string;
}

const isBehind = ({ namespace, name }: Sandbox, after: Place): boolean =>
  namespace === after.namespace ? name > after.name : namespace > after.namespace;

function placeOf(token: string): Place {
  const [namespace, name, ...more] = Buffer.from(token, 'base64url').toString().split('/');
  if (namespace && name && more.length === 0) return { namespace, name };
  throw new FsbError('invalid_argument', `invalid page token ${JSON.stringify(token)}`, {
    hint: 'Send next_page_token of the page before.',
  });
}
