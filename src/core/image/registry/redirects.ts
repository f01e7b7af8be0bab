import { FsbError } from '../../model/errors.ts';
import type { Trust } from './certificates.ts';
import type { Answer, Call, Transport } from './transport.ts';

const STATUSES = [301, 302, 303, 307, 308];
const MOST = 5;

/**
 * Sends a GET and goes where it is sent. What identifies the user stays at the origin that it is for, and nothing that
 * began encrypted goes on in the clear.
 * @param others what to believe of other origins
 */
export async function follow(transport: Transport, call: Call, others: Trust): Promise<Answer> {
  let current = call;
  for (let count = 0; ; count += 1) {
    const answer = await transport.request(current);
    const { location } = answer.headers;
    if (!STATUSES.includes(answer.status) || location === undefined) return answer;
    answer.discard();
    if (count === MOST) throw refused(call.url, `it redirects more than ${MOST} times`);
    current = redirected(current, location, others);
  }
}

function redirected(call: Call, location: string, others: Trust): Call {
  const url = targetOf(call.url, location);
  // An address may bring a name and a password, which Node would send.
  url.username = '';
  url.password = '';
  if (call.url.protocol === 'https:' && url.protocol !== 'https:')
    throw refused(call.url, `it redirects to ${url.host} without encryption`);
  if (url.origin === call.url.origin) return { ...call, url };
  const { authorization: _, ...headers } = call.headers ?? {};
  return { ...call, url, headers, trust: others };
}

function targetOf(base: URL, location: string): URL {
  let url: URL;
  try {
    url = new URL(location, base);
  } catch {
    throw refused(base, 'it redirects to something that is no address');
  }
  if (!/^https?:$/.test(url.protocol)) throw refused(base, `it redirects to an address of ${url.protocol}`);
  return url;
}

const refused = (url: URL, why: string): FsbError =>
  new FsbError('unavailable', `${url.host} is not followed: ${why}`);
