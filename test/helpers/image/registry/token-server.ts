import { createSign, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Authority, derOf } from './authority.ts';
import { listen } from './listening.ts';

export interface TokenTerms {
  authority: Authority;
  /** Who may log in. */
  users?: Record<string, string>;
  /** Repositories that anybody may pull; a user may pull and push all. */
  open?: string[];
  /** Seconds that a token is good for. Default 300. */
  lifetime?: number;
  /** GET is not allowed, as with servers that only know OAuth. */
  onlyPost?: boolean;
}

/** Gives the tokens that docker-registry believes: startRegistry({ token: server.terms }). */
export interface TokenServer {
  realm: string;
  terms: { realm: string; service: string; issuer: string; authority: Authority };
  /** Every request: `GET scope=... account=...`, without secrets. */
  readonly requests: { method: string; parameters: URLSearchParams; authorization?: string }[];
  /** A token for pushImage: `Bearer ...`. */
  authorize(repository: string): string;
  /** What comes instead of an answer, until it is undefined again. */
  failWith?: { status: number; body: string };
  stop(): Promise<void>;
}

export const refreshTokenOf = (username: string): string => `refresh-token-of-${username}`;

export async function startTokenServer(terms: TokenTerms): Promise<TokenServer> {
  const { authority, users = {}, open = [], lifetime = 300, onlyPost = false } = terms;
  const { certificate, key } = await authority.issue();
  const signing = { key: await readFile(key, 'utf8'), x5c: [await derOf(certificate)] };
  const requests: TokenServer['requests'] = [];
  const sign = (user: string, access: Access[]): string => jwt(signing, user, access, lifetime);
  const allowed = (user: string, scopes: string[]): Access[] =>
    scopes.map(parseScope).map((it) => ({
      ...it,
      actions: user !== '' ? it.actions : open.includes(it.name) ? ['pull'] : [],
    }));

  const server = createServer(async (incoming, outgoing) => {
    const parameters = await parametersOf(incoming);
    const { authorization } = incoming.headers;
    requests.push({ method: incoming.method!, parameters, ...(authorization && { authorization }) });
    const answer = (status: number, body: unknown): void => {
      outgoing.writeHead(status, { 'content-type': 'application/json' });
      outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    if (self.failWith) return answer(self.failWith.status, self.failWith.body);
    if (onlyPost && incoming.method !== 'POST') return answer(405, '');
    const user = userOf(users, parameters, authorization);
    if (user === undefined)
      return answer(401, { errors: [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }] });
    const scopes = parameters.getAll('scope').flatMap((scope) => scope.split(' '));
    const token = sign(user, allowed(user, scopes));
    const wantsRefresh =
      parameters.get('offline_token') === 'true' || parameters.get('access_type') === 'offline';
    answer(200, {
      ...(incoming.method === 'POST' ? { access_token: token } : { token }),
      expires_in: lifetime,
      issued_at: new Date().toISOString(),
      ...(wantsRefresh && user !== '' && { refresh_token: refreshTokenOf(user) }),
    });
  });
  const listening = await listen(server);
  const realm = `http://${listening.address}/token`;
  const self: TokenServer = {
    realm,
    terms: { realm, service: SERVICE, issuer: ISSUER, authority },
    requests,
    authorize: (name) =>
      `Bearer ${sign('pusher', [{ type: 'repository', name, actions: ['pull', 'push'] }])}`,
    stop: listening.stop,
  };
  return self;
}

const SERVICE = 'test-registry';
const ISSUER = 'test-issuer';

interface Access {
  type: string;
  name: string;
  actions: string[];
}

function parseScope(scope: string): Access {
  const [type = '', name = '', actions = ''] = scope.split(':');
  return { type, name, actions: actions.split(',') };
}

async function parametersOf(incoming: IncomingMessage): Promise<URLSearchParams> {
  if (incoming.method === 'POST') return new URLSearchParams(await text(incoming));
  return new URL(incoming.url!, 'http://localhost').searchParams;
}

/** Empty: anonymous. Undefined: the wrong password. */
function userOf(
  users: Record<string, string>,
  parameters: URLSearchParams,
  authorization?: string,
): string | undefined {
  if (parameters.get('grant_type') === 'refresh_token')
    return Object.keys(users).find((user) => parameters.get('refresh_token') === refreshTokenOf(user));
  const [name, password] =
    parameters.get('grant_type') === 'password'
      ? [parameters.get('username')!, parameters.get('password')!]
      : authorization === undefined
        ? ['', '']
        : (Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':') as [
            string,
            string,
          ]);
  if (name === '') return '';
  return users[name] === password ? name : undefined;
}

function jwt(
  signing: { key: string; x5c: string[] },
  user: string,
  access: Access[],
  lifetime: number,
): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = part({ typ: 'JWT', alg: 'RS256', x5c: signing.x5c });
  const times = { nbf: now - 10, iat: now, exp: now + lifetime, jti: randomUUID() };
  const body = part({ iss: ISSUER, sub: user, aud: SERVICE, ...times, access });
  const signature = createSign('RSA-SHA256').update(`${head}.${body}`).sign(signing.key, 'base64url');
  return `${head}.${body}.${signature}`;
}
