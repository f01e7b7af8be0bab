import { LOCAL_CALLER } from '../../model/caller.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { AuditFiles } from '../access/audit-files.ts';
import { coreFor } from '../access/core-for.ts';
import type { Guard } from '../access/guard-part.ts';
import { connectionOf, type Ends, peerOf } from '../ends.ts';
import type { Traffic } from '../metrics/traffic.ts';
import type { Served } from '../served.ts';
import type { Allowance } from './allowance.ts';
import { certificateNames } from './certificate-names.ts';
import type { Credentials } from './credentials.ts';
import type { Guests } from './guests.ts';
import type { Neighbours } from './peer-user.ts';
import type { Known, OnOver, Tenures } from './tenures.ts';
import type { Throttle } from './throttle.ts';

/** What somebody comes with. */
export interface Knock {
  /** Of the connection over which they come. */
  ends: Ends;
  /** The header of that name. */
  authorization: string | undefined;
  /** The path that they ask for, for the audit log. */
  path: string;
  /** What it will be, if they are let in. */
  opens: 'call' | 'stream';
}

/** Somebody who was let in. */
export interface Visit extends Guard {
  core: Served;
  /**
   * Has somebody told when the visitor is not known any more: what is open must end then.
   * @returns to be called when it has ended otherwise
   */
  whileKnown(onOver: OnOver): () => void;
}

/** The way in of one listener. @throws unauthenticated, denied, no_capacity (too many failures, too much open) */
export type Entrance = (knock: Knock) => Visit;

export interface EntranceParts {
  core: Served;
  /** Undefined: nobody has a token or a certificate. */
  credentials?: Credentials;
  throttle: Throttle;
  tenures: Tenures;
  calls: Allowance;
  /** How often each caller may call. */
  pace: Throttle;
  traffic: Traffic;
  audit?: AuditFiles;
}

const local = (core: Served): Visit => ({ caller: LOCAL_CALLER, core, whileKnown: () => () => {} });

/** The mode of the socket keeps everybody else away. */
export const overUnixSocket = ({ core }: EntranceParts): Entrance => {
  const visit = local(core);
  return () => visit;
};

/** Everybody on this machine can come here: the user of the core may do everything, others need a token. */
export const overLoopback = (
  parts: EntranceParts,
  neighbours: Pick<Neighbours, 'assertOwn' | 'letIn'>,
): Entrance => {
  const { core, credentials } = parts;
  const visit = local(core);
  return (knock) => {
    const connection = connectionOf(knock.ends);
    if (credentials !== undefined && knock.authorization !== undefined) {
      const bearer = visitOf(parts, byToken(parts, knock), knock);
      neighbours.letIn(connection);
      return bearer;
    }
    try {
      neighbours.assertOwn(connection);
    } catch (error) {
      throw credentials === undefined ? error : refused(parts, knock, noCredentials());
    }
    return visit;
  };
};

/** Anybody can come here, and is nobody without a token or a certificate, also on this machine: a proxy may stand there. */
export const overTls =
  (parts: EntranceParts, guests: Guests): Entrance =>
  (knock) => {
    const known =
      knock.authorization === undefined ? byCertificate(parts, guests, knock) : byToken(parts, knock);
    const visit = visitOf(parts, known, knock);
    guests.known(connectionOf(knock.ends), known.caller, (onOver) => parts.tenures.begin(known, onOver));
    return visit;
  };

function byToken(parts: EntranceParts, knock: Knock): Known {
  const token = /^Bearer +(\S+)$/i.exec(knock.authorization ?? '')?.[1];
  if (token === undefined) throw refused(parts, knock, noBearer());
  const known = parts.credentials?.ofToken(token);
  if (known !== undefined) return known;
  throw refused(parts, knock, unknownToken());
}

function byCertificate(parts: EntranceParts, guests: Guests, knock: Knock): Known {
  const socket = guests.of(connectionOf(knock.ends));
  const certificate = socket?.getPeerCertificate();
  if (socket === undefined || certificate === undefined || Object.keys(certificate).length === 0)
    throw refused(parts, knock, noCredentials());
  const names = certificateNames(certificate);
  const until = Date.parse(certificate.valid_to);
  const known = socket.authorized ? parts.credentials?.ofCertificate(names, until) : undefined;
  if (known !== undefined) return known;
  throw refused(parts, knock, unknownCertificate(names, socket.authorized, socket.authorizationError));
}

function visitOf(parts: EntranceParts, known: Known, { ends, opens }: Knock): Visit {
  const { core, audit, traffic, tenures, calls, pace } = parts;
  const { caller } = known;
  const address = peerOf(ends);
  const isCall = opens === 'call';
  if (isCall) calls.assertRoom(caller.name);
  const tooMany = pace.count(caller.name);
  if (tooMany !== undefined) throw tooMany;
  const guard: Guard = {
    caller,
    onForbidden: () => traffic.forbid(),
    ...(audit && {
      audit: (outcome, telling) => audit.write({ caller: caller.name, address, ...outcome }, telling),
    }),
  };
  const whileKnown = (onOver: OnOver): (() => void) => {
    const giveBack = isCall ? calls.take(caller.name) : () => {};
    const leave = tenures.begin(known, onOver);
    return () => {
      giveBack();
      leave();
    };
  };
  return { ...guard, core: coreFor(core, guard), whileKnown };
}

/** The error to throw, written down for whoever looks for strangers; one who comes again and again is only put off. */
function refused({ audit, throttle }: EntranceParts, { ends, path }: Knock, error: FsbError): FsbError {
  const { remoteAddress: address = '' } = ends;
  const tooMany = throttle.count(address);
  if (tooMany !== undefined) return tooMany;
  audit?.write({
    caller: '',
    address: peerOf(ends),
    method: path.slice(0, 200),
    object: '',
    code: error.code,
  });
  return error;
}

const unknownToken = (): FsbError =>
  new FsbError('unauthenticated', 'the core does not know this token', {
    hint: 'It was mistyped, has expired, or was taken back. Ask who runs the core for a new one.',
  });

/** What it says may be a secret of another kind. */
const noBearer = (): FsbError =>
  new FsbError(
    'unauthenticated',
    'the header Authorization has no bearer token, and the core takes no other',
    {
      hint: 'Send Authorization: Bearer TOKEN.',
    },
  );

const noCredentials = (): FsbError =>
  new FsbError('unauthenticated', 'the core wants to know who calls, and no token was sent', {
    hint: 'fsb-ctl takes it from FSB_TOKEN_FILE or the context (--token-file); other clients send Authorization: Bearer TOKEN.',
  });

const unknownCertificate = (names: string[], verified: boolean, reason: unknown): FsbError =>
  new FsbError(
    'unauthenticated',
    verified
      ? `the core does not know the certificate of ${names.join(', ') || 'nobody'}`
      : `the core does not trust this certificate (${reason})`,
    { hint: 'Ask who runs the core for one that it knows, or for a token.' },
  );
