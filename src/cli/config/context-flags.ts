import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Args, Flags, type Interfaces } from '@oclif/core';
import { FsbError } from '../../core/model/failure/errors.ts';
import { assertName } from '../../core/model/ids.ts';
import { unreadable } from '../files/unreadable.ts';
import type { TlsFiles } from '../terminal/world.ts';
import type { Context } from './context.ts';
import { parseEndpoint } from './endpoint.ts';

export const contextArg = Args.string({
  name: 'name',
  required: true,
  ignoreStdin: true,
  description: 'Name of the context.',
});

/** What a context says. Empty values of `context update` take away. */
export const contextFlags = {
  host: Flags.string({
    summary:
      'Where its core is: unix:///path, tcp://host:9090, tls://host:9090, ssh://user@host or embedded:.',
    helpValue: 'ENDPOINT',
  }),
  description: Flags.string({ summary: 'What it is for.', helpValue: 'TEXT' }),
  namespace: Flags.string({
    char: 'n',
    summary: 'Namespace of the sandboxes there, unless another one is said.',
    helpValue: 'NAMESPACE',
  }),
  ca: Flags.string({ summary: 'Authorities that its certificate may be from (PEM).', helpValue: 'FILE' }),
  cert: Flags.string({ summary: 'Certificate to show to it (PEM).', helpValue: 'FILE' }),
  key: Flags.string({ summary: 'Key of that certificate (PEM).', helpValue: 'FILE' }),
  'token-file': Flags.string({ summary: 'File with the token to show to it.', helpValue: 'FILE' }),
  'server-name': Flags.string({
    summary: 'Name that its certificate is for. Default: the host of the endpoint.',
    helpValue: 'NAME',
  }),
};

type ContextFlags = Partial<Interfaces.InferredFlags<typeof contextFlags>>;

/**
 * A context as it is after these flags.
 * @throws not_found for a file that is not there; invalid_argument for a value, one that cannot be read, or TLS files of an
 *   endpoint without TLS
 */
export function contextFrom(flags: ContextFlags, before: Context, cwd: string): Context {
  const tls = tlsFrom(flags, before.tls ?? {}, cwd);
  const context: Context = {
    endpoint: flags.host ?? before.endpoint,
    ...said('description', flags.description ?? before.description),
    ...said('namespace', flags.namespace ?? before.namespace),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
  const { kind } = parseEndpoint(context.endpoint);
  if (context.namespace !== undefined) assertName(context.namespace, 'namespace');
  if (context.tls !== undefined && kind !== 'tls')
    throw new FsbError('invalid_argument', `${context.endpoint} is reached without TLS files`, {
      hint: `--ca, --cert, --key, --token-file and --server-name are for tls://host:9090.${toTakeAway(before.tls)}`,
    });
  if ((context.tls?.cert === undefined) !== (context.tls?.key === undefined))
    throw new FsbError('invalid_argument', 'a certificate needs its key, and a key its certificate', {
      hint: 'Give both --cert and --key.',
    });
  return context;
}

/** Of a context that is to be reached in another way. */
function toTakeAway(before: TlsFiles = {}): string {
  const flags = Object.keys(before).map((key) => `--${key.replace('_', '-')} ''`);
  return flags.length === 0 ? '' : ` Take away what it has with: ${flags.join(' ')}`;
}

function tlsFrom(flags: ContextFlags, before: TlsFiles, cwd: string): TlsFiles {
  const file = (path: string | undefined): string | undefined => path && readable(resolve(cwd, path), path);
  return {
    ...said('ca', file(flags.ca) ?? before.ca),
    ...said('cert', file(flags.cert) ?? before.cert),
    ...said('key', file(flags.key) ?? before.key),
    ...said('token_file', file(flags['token-file']) ?? before.token_file),
    ...said('server_name', flags['server-name'] ?? before.server_name),
  };
}

function readable(file: string, typed: string): string {
  try {
    readFileSync(file);
    return file;
  } catch (error) {
    throw unreadable(typed, file, error);
  }
}

/** Nothing where it is missing or empty. */
const said = <K extends string>(key: K, value: string | undefined): { [key in K]?: string } =>
  (value ? { [key]: value } : {}) as { [key in K]?: string };
