import { FsbError } from '../model/failure/errors.ts';

export type Endpoint = ({ kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number }) &
  KnownAs;

/** What messages of a failure say of it. */
interface KnownAs {
  /** The address that people know, where it is another one. */
  name?: string;
  /** What to do when nobody answers there. */
  hint?: string;
}

/**
 * `unix:///path`, `host:port`, `[::1]:port`; `tcp://` and `http://` in front of the latter two are taken too.
 * @throws invalid_argument
 */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    if (/^\/[^/]/.test(path)) return { kind: 'unix', path };
  } else {
    const match = /^(?:(?:tcp|http):\/\/)?(\[[0-9a-fA-F:.]+\]|[^[\]:/]+):(\d{1,5})\/?$/.exec(text);
    const port = Number(match?.[2]);
    if (match && port <= 65_535) return { kind: 'tcp', host: match[1]!.replace(/^\[|\]$/g, ''), port };
  }
  throw new FsbError('invalid_argument', `invalid address ${JSON.stringify(text)}`, {
    hint: 'Write it like unix:///run/fsb/fsb.sock, 127.0.0.1:5758 or [::1]:5758.',
  });
}

/** The text that parseEndpoint reads. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.kind === 'unix'
    ? `unix://${endpoint.path}`
    : `${hostInUrl(endpoint.host)}:${endpoint.port}`;
}

export const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);
