const LOOPBACK = '127.0.0.1';
const EVERYWHERE = '0.0.0.0';
const PORTS = { grpc: 9090, http: 5758, metrics: 9091 } as const;

/** What --grpc, --http and --metrics say: `host:port`, or `off`; undefined: nothing. */
type Asked = { [protocol in keyof typeof PORTS]?: string | undefined };

/** Where a core listens on TCP: `host:port`; undefined: nowhere. */
export interface Listening {
  grpc?: string;
  http?: string;
  metrics?: string;
  /** Of these, those that nobody has asked for: another port will do when they are taken. */
  usualPorts: string[];
}

/**
 * One that is for other machines listens for gRPC, and whoever comes to the one port comes to the other. gRPC has no port to
 * give way to: clients are told of no other.
 * @param isServer it has TLS, so it wants to know who calls, and is for other machines
 */
export function listeningOn(asked: Asked, isServer: boolean): Listening {
  const http = hostOf(asked.http);
  const grpc = asked.grpc ?? (isServer ? `${http ?? EVERYWHERE}:${PORTS.grpc}` : 'off');
  const usual = {
    http: `${(isServer && hostOf(grpc)) || LOOPBACK}:${PORTS.http}`,
    metrics: `${LOOPBACK}:${PORTS.metrics}`,
  };
  return {
    ...unlessOff('grpc', grpc),
    ...unlessOff('http', asked.http ?? usual.http),
    ...unlessOff('metrics', asked.metrics ?? usual.metrics),
    usualPorts: [...(asked.http ? [] : [usual.http]), ...(asked.metrics ? [] : [usual.metrics])],
  };
}

const hostOf = (address: string | undefined): string | undefined =>
  address === 'off' ? undefined : address?.replace(/:\d+$/, '');

const unlessOff = (protocol: keyof typeof PORTS, address: string): Partial<Listening> =>
  address === 'off' ? {} : { [protocol]: address };
