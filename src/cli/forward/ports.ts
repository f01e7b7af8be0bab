import { FsbError } from '../../core/model/failure/errors.ts';

export interface PortPair {
  /** 0: any that is free. */
  local: number;
  remote: number;
}

/** `8080:80`; `80` is `80:80`, and `:80` is `0:80`. @throws invalid_argument */
export function parsePorts(text: string): PortPair {
  const [, local, remote] = /^(?:(\d{0,5}):)?(\d{1,5})$/.exec(text) ?? [];
  const pair = { local: Number(local ?? remote), remote: Number(remote) };
  if (remote !== undefined && isPort(pair.remote) && (pair.local === 0 || isPort(pair.local))) return pair;
  throw new FsbError('invalid_argument', `invalid ports ${JSON.stringify(text)}`, {
    hint: 'Write LOCAL:REMOTE like 8080:80, or one port for both; LOCAL 0 is any that is free.',
  });
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;
