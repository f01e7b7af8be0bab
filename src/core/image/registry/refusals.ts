import { FsbError } from '../../model/failure/errors.ts';
import type { Answer } from './answer.ts';
import { parseRetryAfter, Retryable } from './retry.ts';

/** About whom and what an error is. */
export interface Subject {
  /** `read docker.io/library/alpine:latest` */
  task: string;
  /** The registry as the user named it. */
  registry: string;
  /** Whether it was told who asks. */
  loggedIn: boolean;
  /** What to do when it does not let the user in. */
  loginHint: string;
  /** What must not come back in a server's message. */
  secrets: readonly string[];
}

const LONGEST_MESSAGE = 200;
const LONGEST_ERROR_BODY = 64 * 1024;

/**
 * What to throw for an answer that is no good. Reads the answer.
 * @param now wall clock, milliseconds
 * @param status what it counts as
 */
export async function refusal(
  answer: Answer,
  subject: Subject,
  now: number,
  status = answer.status,
): Promise<FsbError | Retryable> {
  const { code, message } = await readMessage(answer, subject.secrets);
  const said = message === '' ? `it answers ${answer.status}` : `${message} (${answer.status})`;
  const why = `cannot ${subject.task}: ${answer.url.host}: ${said}`;
  const { headers } = answer;
  if (status === 401 && isHidden(answer, code)) return hidden(subject, message);
  if (status === 401) return new FsbError('unauthenticated', why, { hint: subject.loginHint });
  if (status === 403) return new FsbError('denied', why, { hint: subject.loginHint });
  if (status === 404) return new FsbError('image_not_found', why, { hint: NOT_FOUND_HINT });
  const hint = status === 429 && !subject.loggedIn ? subject.loginHint : undefined;
  const error = new FsbError('unavailable', why, { hint });
  return isTemporary(status) ? new Retryable(error, parseRetryAfter(headers['retry-after'], now)) : error;
}

const NOT_FOUND_HINT = 'Look whether the name and the tag are right.';

export const loginHint = (registry: string, loggedIn: boolean): string =>
  loggedIn
    ? `Log in as somebody who may read it: fsb-ctl login ${registry}`
    : `Log in first: fsb-ctl login ${registry}`;

const isTemporary = (status: number): boolean =>
  status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);

/**
 * A registry with tokens gives one to whoever asks, and then does not believe it when the repository is not there or is
 * somebody else's: it does not say which.
 */
const isHidden = (answer: Answer, code: string): boolean =>
  /error="?insufficient_scope/.test(String(answer.headers['www-authenticate'] ?? '')) || code === 'DENIED';

function hidden(subject: Subject, message: string): FsbError {
  const said = message === '' ? '' : `: ${message}`;
  const why = `it does not exist on ${subject.registry}, or needs a login`;
  return new FsbError('denied', `cannot ${subject.task}: ${why}${said}`, { hint: subject.loginHint });
}

/** What the server says of its refusal, as far as it may be shown. */
async function readMessage(
  answer: Answer,
  secrets: readonly string[],
): Promise<{ code: string; message: string }> {
  const text = await readText(answer).catch(() => '');
  const { code, message } = understand(text, String(answer.headers['content-type'] ?? ''));
  return { code, message: printable(message, secrets) };
}

async function readText(answer: Answer): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LONGEST_ERROR_BODY) break;
  }
  return Buffer.concat(chunks).toString();
}

function understand(text: string, type: string): { code: string; message: string } {
  try {
    const body = JSON.parse(text) as Record<string, unknown> | null;
    const first = (Array.isArray(body?.errors) ? body.errors[0] : body) as
      | Record<string, unknown>
      | undefined;
    const code = String(first?.code ?? first?.error ?? '');
    const message = first?.message ?? first?.error_description ?? first?.details ?? first?.error;
    return { code, message: typeof message === 'string' ? message : code };
  } catch {
    // A page for people is no message.
    return { code: '', message: /^text\/plain/.test(type) ? text : '' };
  }
}

/** Without control characters, the user's secrets, and the signatures of addresses. */
export function printable(text: string, secrets: readonly string[]): string {
  let clean = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '***');
  clean = clean.replace(/\bhttps?:\/\/[^\s"'<>]+/g, withoutSecrets);
  return clean.length > LONGEST_MESSAGE ? `${clean.slice(0, LONGEST_MESSAGE)}...` : clean;
}

const withoutSecrets = (address: string): string =>
  address.replace(/[?#].*$/, '').replace(/^(https?:\/\/)[^/@]*@/, '$1');
