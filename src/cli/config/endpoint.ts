import { isAbsolute } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';

/** Where a core is, as users write it. */
export type CoreEndpoint =
  /** `unix:///run/fsb/fsb.sock`; its HTTP socket is http.sock beside it. */
  | { kind: 'unix'; grpc: string; http: string }
  /** `tcp://host:9090`. `grpc` is the target of a channel, `host:port`. */
  | { kind: 'tcp'; grpc: string }
  /** `tls://host:9090` */
  | { kind: 'tls'; grpc: string }
  /** `ssh://user@host:22/path/to/fsb.sock`; what is left out is for ssh and the core there to say. */
  | { kind: 'ssh'; host: string; user?: string; port?: number; socket?: string }
  /** `embedded:`, `embedded:/root`: in this very process. */
  | { kind: 'embedded'; root?: string };

export type SshEndpoint = CoreEndpoint & { kind: 'ssh' };

const DEFAULT_GRPC_PORT = 9090;
const HOST = String.raw`(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)`;
const ADDRESS = new RegExp(String.raw`^(tcp|tls)://${HOST}(?::(\d{1,5}))?/?$`);
const PLAIN_PATH = '/[A-Za-z0-9_./@+,~-]*';
// Nothing that begins with a dash, and nothing that a shell in somebody's ssh_config could take for its own; ssh reads %, $ and : in paths.
const SSH = new RegExp(
  String.raw`^ssh://(?:([A-Za-z0-9_](?:[A-Za-z0-9_.@-]*))@)?${HOST}(?::(\d{1,5}))?(${PLAIN_PATH})?$`,
);

/** @throws invalid_argument */
export function parseEndpoint(text: string): CoreEndpoint {
  if (text.startsWith('unix:')) return unixEndpoint(text);
  if (text.startsWith('embedded:')) return embeddedEndpoint(text);
  if (text.startsWith('ssh:')) return sshEndpoint(text);
  const match = ADDRESS.exec(text);
  const port = portOf(match?.[3]) ?? DEFAULT_GRPC_PORT;
  if (match === null || !isPort(port)) throw invalidEndpoint(text);
  return { kind: match[1] as 'tcp' | 'tls', grpc: `${match[2]}:${port}` };
}

function unixEndpoint(text: string): CoreEndpoint {
  const path = text.replace(/^unix:(\/\/)?/, '');
  if (!isAbsolute(path)) throw invalidEndpoint(text);
  return { kind: 'unix', grpc: `unix://${path}`, http: `unix://${httpBeside(path)}` };
}

/** As they stand after `ssh`: `-p 22022 root@far`. */
export const sshWords = ({ host, user, port }: SshEndpoint): string =>
  `${port === undefined ? '' : `-p ${port} `}${user === undefined ? '' : `${user}@`}${host}`;

/** The endpoint of a socket there, as users write it. */
export const sshUrl = ({ host, user, port }: SshEndpoint, socket: string): string =>
  `ssh://${user === undefined ? '' : `${user}@`}${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}${socket}`;

/** A path of a socket in which ssh finds nothing to expand, and no end of it. */
export const isPlainPath = (path: string): boolean => new RegExp(`^${PLAIN_PATH}$`).test(path);

/** The HTTP socket of the core whose gRPC socket is given. */
export const httpBeside = (socket: string): string => socket.replace(/[^/]*$/, 'http.sock');

function embeddedEndpoint(text: string): CoreEndpoint {
  const root = text.replace(/^embedded:(\/\/)?/, '');
  if (root === '') return { kind: 'embedded' };
  if (!isAbsolute(root)) throw invalidEndpoint(text);
  return { kind: 'embedded', root };
}

function sshEndpoint(text: string): CoreEndpoint {
  const match = SSH.exec(text);
  const [, user, host, portText, path] = match ?? [];
  const port = portOf(portText);
  if (host === undefined || (port !== undefined && !isPort(port))) throw invalidEndpoint(text);
  const socket = path === '/' ? undefined : path;
  return {
    kind: 'ssh',
    host: host.replace(/^\[|\]$/g, ''),
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(socket === undefined ? {} : { socket }),
  };
}

const portOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);
const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

const invalidEndpoint = (text: string): FsbError =>
  new FsbError('invalid_argument', `invalid endpoint ${JSON.stringify(text)}`, {
    hint: 'Write it like unix:///run/fsb/fsb.sock, tcp://host:9090, tls://host:9090, ssh://user@host or embedded:.',
  });
