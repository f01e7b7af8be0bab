import { FsbError } from '../../model/failure/errors.ts';
import type { Answer } from './answer.ts';
import type { Subject } from './refusals.ts';

export interface Token {
  value: string;
  /** Monotonic milliseconds. */
  expires: number;
  refreshToken?: string;
}

/** Seconds. */
const DEFAULT_LIFETIME = 60;
/** Bytes. */
const LONGEST_ANSWER = 1024 * 1024;

/**
 * Reads what a token server gave.
 * @param start when it was asked, monotonic milliseconds
 * @param offline a token that may be kept was asked for, too
 * @throws unavailable when it is none
 */
export async function readToken(
  answer: Answer,
  start: number,
  { registry }: Subject,
  offline?: boolean,
): Promise<Token> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > LONGEST_ANSWER) break;
    chunks.push(chunk);
  }
  const said = parseObject(Buffer.concat(chunks).toString());
  const value = said.token || said.access_token;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new FsbError('unavailable', `${answer.url.host} gives no token for registry ${registry}`, {
      hint: 'It may not be a token server; whoever runs the registry has to look.',
    });
  const lifetime = Number(said.expires_in) > 0 ? Number(said.expires_in) : DEFAULT_LIFETIME;
  // A tenth early: it must still be good when it arrives.
  const expires = start + lifetime * 1000 * 0.9;
  const refreshToken = typeof said.refresh_token === 'string' ? said.refresh_token : '';
  return { value, expires, ...(offline && refreshToken !== '' && { refreshToken }) };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
