import { FsbError } from '../../model/failure/errors.ts';
import type { Answer } from './answer.ts';
import type { Trust } from './certificates.ts';
import { mayBeLinkLocal } from './link-local.ts';
import type { Call, Transport } from './transport.ts';

const STATUSES = [301, 302, 303, 307, 308];
const MOST = 5;

/**
 * Sends a GET or HEAD and goes where it is sent. What identifies the user stays at the origin that it is for, and nothing that
 * began encrypted goes on in the clear.
 * @param others what to believe of other origins
 * @param task for errors: `read docker.io/library/alpine:latest`
 */
export async function follow(transport: Transport, call: Call, others: Trust, task: string): Promise<Answer> {
  const refused = (why: string): FsbError =>
    new FsbError('unavailable', `cannot ${task}: ${call.url.host} redirects ${why}`);
  let current = call;
  for (let count = 0; ; count += 1) {
    const answer = await transport.request(current);
    const { location } = answer.headers;
    if (!STATUSES.includes(answer.status) || location === undefined) return answer;
    answer.discard();
    if (count === MOST) throw refused(`more than ${MOST} times`);
    current = redirected(current, location, others, refused);
  }
}

type Refused = (why: string) => FsbError;

function redirected(call: Call, location: string, others: Trust, refused: Refused): Call {
  const url = targetOf(call.url, location, refused);
  // An address may bring a name and a password, which Node would send.
  url.username = '';
  url.password = '';
  if (call.url.protocol === 'https:' && url.protocol !== 'https:')
    throw refused(`to ${url.host} without encryption`);
  if (url.origin === call.url.origin) return { ...call, url };
  const linkLocal = call.linkLocal && mayBeLinkLocal(call.url.hostname, url.hostname);
  const headers = withoutUser(call.headers);
  return { ...call, url, headers, linkLocal, authorization: undefined, trust: others };
}

const withoutUser = ({ authorization: _, ...headers }: Record<string, string> = {}): Record<string, string> =>
  headers;

function targetOf(base: URL, location: string, refused: Refused): URL {
  let url: URL;
  try {
    url = new URL(location, base);
  } catch {
    throw refused('to something that is no address');
  }
  if (!/^https?:$/.test(url.protocol)) throw refused(`to an address of ${url.protocol}`);
  return url;
}
