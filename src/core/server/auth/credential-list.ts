import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Caller, LOCAL_CALLER, SCOPES } from '../../model/caller.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { describeIssues } from '../../model/failure/issues.ts';
import { isName } from '../../model/ids.ts';

/** A caller that is known by a token. */
export interface TokenEntry {
  caller: Caller;
  /** 32 bytes. */
  sha256: Buffer;
  /** Milliseconds since the epoch; undefined: never. */
  expires?: number;
}

/** Who may call, as a token file says. */
export interface CredentialList {
  tokens: TokenEntry[];
  /** By the name in the certificate; undefined: whoever has one from the authority may do everything. */
  certificates?: Map<string, Caller>;
}

/** Characters of a token, at least: fewer could be tried. */
const SHORTEST_TOKEN = 20;

const NAME = /^[\x21-\x7e]{1,128}$/;

export const isCallerName = (text: string): boolean => NAME.test(text);

/** Of the bearer of the one token of a file, or of FSB_TOKEN. */
const LONE_TOKEN = 'token';

/**
 * Of the owner of a certificate, where no list says who may. Whoever signs certificates chooses what is in them: it must be
 * nobody else's name, whatever it is.
 * @param inIt undefined: it has no name
 */
export const unlistedName = (inIt: string | undefined): string =>
  inIt === undefined ? UNLISTED : `${UNLISTED}:${inIt}`;

const UNLISTED = 'certificate';

// In the audit log, and in what they have open, nobody may look like somebody else.
const name = z
  .string()
  .regex(NAME, 'must be a name of printable characters without spaces')
  .refine((text) => text !== LOCAL_CALLER.name, 'is the name of the user of the core itself')
  .refine((text) => text !== LONE_TOKEN, 'is the name of a token that is alone in its file, or in FSB_TOKEN')
  .refine((text) => text.split(':')[0] !== UNLISTED, 'is the name of a certificate that no list has');

const rights = {
  scopes: z.array(z.enum(SCOPES)).min(1, 'must name at least one scope'),
  namespaces: z
    .union([z.literal('all'), z.array(z.string().refine(isName, 'not a valid namespace')).min(1)])
    .default('all'),
};

const token = z.strictObject({
  name,
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits: the SHA-256 of the token'),
  ...rights,
  expires: z.iso.datetime({ offset: true, error: 'must be a time like 2030-01-31T00:00:00Z' }).optional(),
});

const certificate = z.strictObject({ subject: name, ...rights });

const list = z.strictObject({
  tokens: z.array(token).default([]),
  certificates: z.array(certificate).optional(),
});

const KEYS = [
  ...Object.keys(list.shape),
  ...Object.keys(token.shape).map((key) => `tokens.${key}`),
  ...Object.keys(certificate.shape).map((key) => `certificates.${key}`),
];

/**
 * The content of a token file: a list of callers, or one token in one line, whose bearer may do everything. No error has
 * a word of a token in it.
 * @throws invalid_argument
 */
export function parseCredentials(content: string, file: string): CredentialList {
  const text = content.trim();
  const isOneToken = text !== '' && !/[\s:{]/.test(text);
  return isOneToken ? { tokens: [oneToken(text, file)] } : readList(text, file);
}

/** The token whose bearer may do everything. @throws invalid_argument */
export function oneToken(token: string, from: string): TokenEntry {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new FsbError('invalid_argument', `the token of ${from} has characters that no header can carry`);
  if (token.length < SHORTEST_TOKEN)
    throw new FsbError('invalid_argument', `the token of ${from} is too short to be safe`, {
      hint: `It needs ${SHORTEST_TOKEN} characters or more; fsb-ctl serve --generate-token makes one.`,
    });
  return { caller: { name: LONE_TOKEN, scopes: ['admin'], namespaces: 'all' }, sha256: digestOf(token) };
}

export const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

function readList(text: string, file: string): CredentialList {
  const result = list.safeParse(parsed(text, file));
  if (!result.success) {
    const { lines, hint } = describeIssues(result.error.issues, KEYS);
    throw new FsbError('invalid_argument', `invalid token file ${file}: ${lines.join('; ')}`, { hint });
  }
  const { tokens, certificates } = result.data;
  if (tokens.length === 0 && certificates === undefined)
    throw new FsbError('invalid_argument', `the token file ${file} names nobody`, {
      hint: 'Put one token into it, or a list under tokens: or certificates:.',
    });
  const owners = (certificates ?? []).map(({ subject }) => subject);
  assertOnce([...tokens.map((one) => one.name), ...owners], file);
  for (const one of [...tokens, ...(certificates ?? [])]) assertWhole(one, file);
  return {
    tokens: tokens.map(({ sha256, expires, ...caller }) => ({
      caller,
      sha256: Buffer.from(sha256, 'hex'),
      ...(expires === undefined ? {} : { expires: Date.parse(expires) }),
    })),
    ...(certificates && {
      certificates: new Map(
        certificates.map(({ subject, ...rest }) => [subject, { name: subject, ...rest }]),
      ),
    }),
  };
}

/** The reason names a place and no content: a token may stand there. */
function parsed(text: string, file: string): unknown {
  try {
    return parse(text, { prettyErrors: false }) ?? {};
  } catch (error) {
    const { pos: [at = 0] = [] } = error as { pos?: number[] };
    const line = text.slice(0, at).split('\n').length;
    throw new FsbError('invalid_argument', `invalid token file ${file}: line ${line} is not YAML`);
  }
}

/** Whoever rules the node rules every namespace of it. */
function assertWhole({ scopes, namespaces }: Pick<Caller, 'scopes' | 'namespaces'>, file: string): void {
  if (namespaces === 'all' || !scopes.includes('admin')) return;
  throw new FsbError('invalid_argument', `invalid token file ${file}: the scope admin with namespaces`, {
    hint: 'It is for the whole node: use the scopes read and use, or leave namespaces out.',
  });
}

function assertOnce(names: string[], file: string): void {
  const twice = names.find((one, at) => names.indexOf(one) !== at);
  if (twice === undefined) return;
  throw new FsbError('invalid_argument', `invalid token file ${file}: ${twice} is there twice`);
}
