import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { ClientSecurity } from '../../core/client/security.ts';
import { FsbError, recoded } from '../../core/model/failure/errors.ts';
import { openInput } from '../files/input-stream.ts';
import { unreadable } from '../files/unreadable.ts';
import { readBytes } from '../terminal/streams.ts';
import type { TlsFiles } from '../terminal/world.ts';
import type { Here } from './here.ts';

/** Bytes; a file of certificates may have many. */
const LARGEST = 1024 * 1024;

/** A file, and who named it. */
interface Named {
  path: string;
  by: string;
}

/**
 * With what a core is reached: FSB_TOKEN, FSB_TOKEN_FILE and FSB_CA, then what the context says, key by key.
 * @param signal for a file that is a pipe, which nobody may ever write to
 * @throws invalid_argument for a file that cannot be read, or has no token; no message has a word of what is in one
 */
export async function clientSecurity(
  kind: 'tcp' | 'tls',
  files: TlsFiles,
  here: Pick<Here, 'env' | 'cwd'>,
  signal: AbortSignal,
): Promise<ClientSecurity> {
  const token = await tokenOf(files, here, signal);
  const shown = token === undefined ? {} : { token };
  if (kind === 'tcp') return shown;
  const { cert, key, server_name: serverName } = files;
  const ca = named('FSB_CA', files.ca, here);
  return {
    ...shown,
    tls: {
      ...(ca && { ca: await contentOf(ca, signal) }),
      ...(cert && key
        ? { cert: await contentOf(ofContext(cert), signal), key: await contentOf(ofContext(key), signal) }
        : {}),
      ...(serverName && { serverName }),
    },
  };
}

async function tokenOf(
  files: TlsFiles,
  here: Pick<Here, 'env' | 'cwd'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (here.env.FSB_TOKEN) return checked(here.env.FSB_TOKEN, 'FSB_TOKEN');
  const file = named('FSB_TOKEN_FILE', files.token_file, here);
  return file && checked(String(await contentOf(file, signal)), `${file.path} (named by ${file.by})`);
}

/** One line that a header can carry. */
function checked(content: string, from: string): string {
  const token = content.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new FsbError('invalid_argument', `there is no token in ${from}`, {
    hint: 'It has the token in one line, and nothing else.',
  });
}

function named(variable: string, inContext: string | undefined, { env, cwd }: Pick<Here, 'env' | 'cwd'>) {
  if (env[variable]) return { path: resolve(cwd, env[variable]), by: variable };
  return inContext === undefined ? undefined : ofContext(inContext);
}

const ofContext = (path: string): Named => ({ path, by: 'the context' });

async function contentOf({ path, by }: Named, signal: AbortSignal): Promise<Buffer> {
  let stream: Readable | undefined;
  try {
    stream = await openInput(path);
    return await readBytes(stream, { limit: LARGEST, what: path, signal });
  } catch (error) {
    stream?.destroy();
    if (error instanceof FsbError) throw error;
    // A part of the settings, of which nobody thinks: who asks for a sandbox would take it that there is none.
    throw recoded(unreadable(`${path} (named by ${by})`, path, error), 'not_found', 'invalid_argument');
  }
}
