import type { PageQuery, SandboxPage } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import { lengthOfSpec } from '../../model/sandbox/spec-size.ts';
import { compare, inOrder, isListed, type Place } from './listing.ts';

/** Characters of the specs in a page, whatever its limit, and in a list that is asked for as a whole. */
const LONGEST_PAGE = 4 * 1024 * 1024;
const LONGEST_WHOLE = 32 * 1024 * 1024;

/** Where a sandbox stands; the key, by which it is known through all its generations, decides where even the time is the same. */
interface Keyed<Of = Place> {
  key: string;
  sandbox: Of;
}

/**
 * One page of a list. A token is the place of the last sandbox told, and no position in a list that may be another one by
 * then: what comes and goes in between moves nobody.
 * @param now the revision at present
 * @throws invalid_argument; no_capacity: all at once are too long
 */
export function pageOf(
  all: readonly Keyed<Sandbox>[],
  { limit = 0, token, within, ...query }: PageQuery,
  now: string,
): SandboxPage {
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new FsbError('invalid_argument', `invalid limit ${limit}`, {
      hint: 'Give a whole number; 0 for all at once.',
    });
  const { revision, last } = token === undefined ? { revision: now, last: undefined } : readToken(token);
  const rest = all
    .filter(({ sandbox }) => isListed(sandbox, query) && (within?.includes(sandbox.namespace) ?? true))
    .sort(byPlace)
    .filter((one) => last === undefined || byPlace(one, last) > 0);
  const fit = fitting(rest, limit === 0 ? LONGEST_WHOLE : LONGEST_PAGE);
  if (limit === 0 && fit < rest.length) throw tooLong(rest.length);
  const told = limit === 0 ? rest : rest.slice(0, Math.min(limit, fit));
  const items = told.map(({ sandbox }) => sandbox);
  if (told.length === rest.length) return { items, revision };
  return { items, revision, next: writeToken(revision, told.at(-1)!) };
}

/** How many of them are no longer together than `most` characters, and one at least. */
function fitting(all: readonly Keyed<Sandbox>[], most: number): number {
  let length = 0;
  const over = all.findIndex(({ sandbox }) => {
    length += lengthOfSpec(sandbox.spec);
    return length > most;
  });
  return over === -1 ? all.length : Math.max(1, over);
}

const tooLong = (count: number): FsbError =>
  new FsbError('no_capacity', `the list of ${count} sandboxes is too long for one answer`, {
    hint: 'Ask for it in pages, with a limit, or for fewer of them.',
  });

const byPlace = (a: Keyed, b: Keyed): number => inOrder(a.sandbox, b.sandbox) || compare(a.key, b.key);

function writeToken(revision: string, { key, sandbox: { namespace, name, createdAt } }: Keyed): string {
  return Buffer.from(JSON.stringify([revision, namespace, name, createdAt, key])).toString('base64url');
}

function readToken(token: string): { revision: string; last: Keyed } {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    const types = Array.isArray(parts) ? parts.map((part) => typeof part).join() : '';
    if (types === 'string,string,string,number,string') {
      const [revision, namespace, name, createdAt, key] = parts as [string, string, string, number, string];
      return { revision, last: { key, sandbox: { namespace, name, createdAt } } };
    }
  } catch {
    // Told below.
  }
  throw new FsbError('invalid_argument', 'the page token is none that this core has given', {
    hint: 'Use the token of the page before as it is, or none to begin anew.',
  });
}
