import { FsbError } from '../../core/model/failure/errors.ts';
import { assertName } from '../../core/model/ids.ts';
import type { TlsFiles } from '../terminal/world.ts';
import { parseEndpoint } from './endpoint.ts';
import { readJsonFile } from './json-file.ts';
import { checkValue, unknownKey } from './schema.ts';

/** The local core; always there, and never in a file. */
export const DEFAULT_CONTEXT = 'default';

/** A core with a name, as ~/.fsb/contexts/NAME.json has it. */
export interface Context {
  /** Empty: the local core. */
  endpoint: string;
  description?: string;
  /** In effect where nobody says another one. */
  namespace?: string;
  tls?: TlsFiles;
}

const KEYS = ['endpoint', 'description', 'namespace', 'tls'];
const TLS_KEYS = ['ca', 'cert', 'key', 'token_file', 'server_name'];

const checks: Record<string, (value: string) => unknown> = {
  endpoint: parseEndpoint,
  namespace: (value) => assertName(value, 'namespace'),
};

/**
 * @returns undefined when there is none
 * @throws invalid_argument naming file and key
 */
export function readContextFile(file: string): Context | undefined {
  const content = readJsonFile(file)?.content;
  if (content === undefined) return undefined;
  const where = ` in ${file}`;
  const { tls, ...rest } = content;
  for (const [key, value] of Object.entries(rest)) {
    if (!KEYS.includes(key)) throw unknownKey(key, KEYS, where);
    checkValue(key, value, checks[key] ?? (() => {}), where);
  }
  if (rest.endpoint === undefined)
    throw new FsbError('invalid_argument', `the context${where} has no endpoint`, {
      hint: 'Add one, or remove the file.',
    });
  if (tls !== undefined && (typeof tls !== 'object' || tls === null || Array.isArray(tls)))
    throw new FsbError('invalid_argument', `tls${where}: it must be an object`, {
      hint: 'Write it like "tls": {"ca": "FILE"}.',
    });
  for (const [key, value] of Object.entries(tls ?? {})) {
    if (!TLS_KEYS.includes(key)) throw unknownKey(`tls.${key}`, TLS_KEYS, where);
    checkValue(`tls.${key}`, value, () => {}, where);
  }
  return content as unknown as Context;
}
