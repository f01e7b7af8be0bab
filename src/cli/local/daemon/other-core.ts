import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { shellWords } from '../../../core/model/shell-words.ts';
import { parseEndpoint, sshWords } from '../../config/endpoint.ts';
import type { Origin } from '../../config/sources.ts';
import { localCore } from './find.ts';
import type { LocalCore } from './local-core.ts';

/** A core that is not the one that the command is about, and who names it. */
export interface OtherCore {
  endpoint: string;
  origin: Origin;
}

/** Whether the endpoint is this core: by its socket, or embedded in its directories. @throws invalid_argument */
export function leadsTo({ paths, packageRoot, env }: LocalCore, endpoint: string): boolean {
  const there = parseEndpoint(endpoint);
  if (there.kind === 'unix') return samePlace(there.grpc.slice('unix://'.length), paths.grpcSocket);
  if (there.kind !== 'embedded') return false;
  const embedded = localCore({ env, cwd: '/' }, packageRoot, there.root);
  return samePlace(embedded.paths.grpcSocket, paths.grpcSocket);
}

/** The socket need not be there, and /var/run is /run. */
const samePlace = (one: string, other: string): boolean => throughLinks(one) === throughLinks(other);

function throughLinks(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return join(path);
  }
}

/** What a command says that would do to this core what was asked for another one. @param id `daemon:stop` */
export function refusal({ endpoint, origin }: OtherCore, id: string): FsbError {
  const command = id.replaceAll(':', ' ');
  const what = `${command} is about the core of this machine, and ${origin.name} means another one: ${endpoint}`;
  return new FsbError('invalid_argument', what, {
    hint: `${wayThere(endpoint, `fsb-ctl ${command}`)}. For the core of this machine, leave out ${origin.name}`,
  });
}

function wayThere(endpoint: string, line: string): string {
  const there = parseEndpoint(endpoint);
  if (there.kind === 'ssh') return `Run it there: ssh ${sshWords(there)} ${line}`;
  if (there.kind === 'tcp' || there.kind === 'tls') return 'Run it on that machine, over ssh for instance';
  const root = there.kind === 'unix' ? /^unix:\/\/(.+)\/run\/fsb\.sock$/.exec(there.grpc)?.[1] : there.root;
  return root === undefined
    ? 'Run it where that socket comes from'
    : `Name its directory instead: ${line} --root ${shellWords([root])}`;
}
