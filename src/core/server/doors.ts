import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import { isLoopback } from '../model/loopback.ts';
import { type Endpoint, parseEndpoint } from '../wire/endpoint.ts';
import { AuditFiles } from './access/audit-files.ts';
import { openCalls } from './auth/allowance.ts';
import { Credentials } from './auth/credentials.ts';
import { watchesOfHealth } from './auth/crowd.ts';
import { Tenures } from './auth/tenures.ts';
import { CALLS, OPEN_QUESTIONS, Throttle } from './auth/throttle.ts';
import { Door } from './door.ts';
import type { Traffic } from './metrics/traffic.ts';
import type { Served } from './served.ts';
import { type TlsFiles, TlsIdentity } from './tls/identity.ts';

/** Who may call a core over TCP, besides its own user over loopback. */
export interface Security {
  /** With these, whatever listens on TCP speaks TLS; metrics only where others than this machine can reach them. */
  tls?: TlsFiles;
  /** Absolute path. */
  tokenFile?: string;
  /** One more token, whose bearer may do everything. */
  token?: string;
  /** File of the audit log of those who call with a token or a certificate; beside it is that of who was refused. */
  auditLog?: string;
}

export interface DoorsOptions {
  grpc: string[];
  http: string[];
  metrics?: string;
  security?: Security;
  traffic: Traffic;
  /** Connections of a listener, beyond which it takes no more streams; left out: as many as cores take. */
  mostWithStreams?: number;
  /** True while what belongs to nobody's user may be at the other end of a connection over loopback; left out: never. */
  isNetworkShared?: () => boolean;
  clock: Clock;
  log: Logger;
}

export interface Doors {
  grpc: Door[];
  http: Door[];
  metrics: Door | undefined;
  close(): void;
}

/** Nothing listens yet. @throws invalid_argument (an address, a file), denied (others could reach it, or read a secret) */
export function openDoors(core: Served, options: DoorsOptions): Doors {
  const { security = {}, traffic, mostWithStreams, isNetworkShared, clock, log } = options;
  const { tls, auditLog } = security;
  const knows =
    security.tokenFile !== undefined || security.token !== undefined || tls?.clientCa !== undefined;
  // Before what else is wrong: who is told of that looks at these files no more.
  const identity = tls && new TlsIdentity(tls, log);
  if (tls !== undefined && !knows) throw nobodyCouldCall();
  const isSafe = tls !== undefined && knows;
  const endpointsOf = (texts: string[]): Endpoint[] => texts.map((text) => endpointToServe(text, isSafe));
  const endpoints = { grpc: endpointsOf(options.grpc), http: endpointsOf(options.http) };
  const metrics = options.metrics === undefined ? undefined : endpointToServe(options.metrics, isSafe);
  const credentials = knows ? new Credentials({ ...security, clock, log }) : undefined;
  const audit = knows && auditLog !== undefined ? new AuditFiles({ path: auditLog, clock, log }) : undefined;
  const tenures = new Tenures(clock);
  const parts = {
    core,
    calls: openCalls(),
    throttle: new Throttle(clock),
    pace: new Throttle(clock, CALLS),
    openQuestions: new Throttle(clock, OPEN_QUESTIONS),
    openWatches: watchesOfHealth(),
    tenures,
    traffic,
    clock,
    log,
    ...(credentials && { credentials }),
    ...(mostWithStreams !== undefined && { mostWithStreams }),
    ...(isNetworkShared && { isNetworkShared }),
  };
  const doorOf = (endpoint: Endpoint): Door =>
    new Door(endpoint, identity, { ...parts, ...(audit && { audit }) });
  const isHere = metrics?.kind === 'unix' || (metrics !== undefined && isLoopback(metrics.host));
  return {
    grpc: endpoints.grpc.map(doorOf),
    http: endpoints.http.map(doorOf),
    metrics: metrics && (isHere ? new Door(metrics, undefined, parts) : doorOf(metrics)),
    close() {
      tenures.close();
      audit?.close();
    },
  };
}

const nobodyCouldCall = (): FsbError =>
  new FsbError(
    'invalid_argument',
    'there is TLS, but nobody could call: no token, and no client certificates',
    {
      hint: 'Add --token-file FILE, --generate-token or --client-ca FILE.',
    },
  );

/**
 * An address to listen on. Whoever can reach it must be kept out, or be known.
 * @param safe it has TLS, and asks who calls
 * @throws invalid_argument; denied for one that others can reach, unless it is safe
 */
function endpointToServe(text: string, safe: boolean): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint.kind === 'unix' || isLoopback(endpoint.host) || safe) return endpoint;
  throw new FsbError(
    'denied',
    `refusing to listen on ${text}: others can reach it, and there is no TLS with a token or client certificates`,
    {
      hint:
        'Add --tls-cert FILE --tls-key FILE, and --token-file FILE, --generate-token or --client-ca FILE. ' +
        'Or use 127.0.0.1, and reach it from elsewhere over ssh.',
    },
  );
}
