import type { RegistryCredentials } from '../../model/image/image-requests.ts';
import type { Call } from './transport.ts';

export interface TokenTerms {
  realm: URL;
  service?: string;
  /** Absent: only who asks is of interest. */
  scope?: string;
  credentials?: RegistryCredentials;
  /** Also ask for a token that may be kept instead of the password. */
  offline?: boolean;
}

const CLIENT = 'fsb-ctl';

export type TokenRequest = Pick<Call, 'url' | 'method' | 'headers' | 'body'>;

/** What most token servers understand. */
export function tokenQuery({ realm, service, scope, credentials, offline }: TokenTerms): TokenRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const one of scope?.split(' ') ?? []) url.searchParams.append('scope', one);
  if (offline) {
    url.searchParams.set('offline_token', 'true');
    url.searchParams.set('client_id', CLIENT);
  }
  const { username, password } = credentials ?? {};
  if (username === undefined || password === undefined) return { url, method: 'GET' };
  url.searchParams.set('account', username);
  return { url, method: 'GET', headers: { authorization: basicHeader(username, password) } };
}

/** What OAuth servers understand; a token that is kept instead of a password goes this way only. */
export function tokenForm({ realm, service, scope, credentials, offline }: TokenTerms): TokenRequest {
  const form = new URLSearchParams({ client_id: CLIENT });
  if (service !== undefined) form.set('service', service);
  if (scope !== undefined) form.set('scope', scope);
  if (offline) form.set('access_type', 'offline');
  if (credentials?.identityToken) {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.identityToken);
  } else {
    form.set('grant_type', 'password');
    form.set('username', credentials?.username ?? '');
    form.set('password', credentials?.password ?? '');
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { url: realm, method: 'POST', headers, body: form.toString() };
}

export const basicHeader = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
