/** What went wrong with TLS, and what to do about it: nobody was reached who is believed, and nothing was sent. */
export interface TlsTrouble {
  reason: string;
  hint: string;
}

type Row = [RegExp, reason: string, hint: string];

/** How a core failed to prove who it is. */
const MISTRUSTED: Row[] = [
  [
    /self[- ]signed certificate|unable to (verify the first|get (local )?issuer) certificate|SELF_SIGNED|UNABLE_TO_/i,
    'its certificate is from an authority that is not trusted here',
    'Name the authority with FSB_CA=FILE, or for good: fsb-ctl context update NAME --ca FILE.',
  ],
  [
    /certificate has expired|CERT_HAS_EXPIRED/i,
    'its certificate has expired',
    'Whoever runs the core must renew it.',
  ],
  [
    /certificate is not yet valid|CERT_NOT_YET_VALID/i,
    'its certificate is not valid yet',
    'Is the clock of this machine right?',
  ],
  [
    /does not match certificate|ERR_TLS_CERT_ALTNAME_INVALID/i,
    'its certificate is for another name',
    'Use a name that is in it, or say which: fsb-ctl context update NAME --server-name NAME.',
  ],
];

const IN_THE_CLEAR = 'Is that its address? A core in the clear is reached with tcp://, and only on loopback.';

/** Something is there, and it is no core behind TLS. */
const ANOTHER: Row[] = [
  [
    /wrong version number|packet length too long|ssl3_get_record/i,
    'what listens there does not speak TLS',
    IN_THE_CLEAR,
  ],
  [
    /disconnected before secure TLS connection/i,
    'it hung up before TLS began: what listens there may not speak TLS',
    IN_THE_CLEAR,
  ],
  [
    /no application protocol/i,
    'what listens there speaks TLS, but not gRPC',
    'The address is that of --grpc, not that of --http: `fsb-ctl daemon status` on its machine tells both.',
  ],
];

/** `error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../ssl/rec_layer_s3.c:1601:` */
const OPENSSL = /:SSL routines:[^:]*:(?:(?:ssl|tls)v[\d.]+ alert )?([^:]+):/i;

/** @param text of an error @param code of it, empty when it has none */
export function tlsTrouble(text: string, code: string): TlsTrouble | undefined {
  const rowOf = (rows: Row[]): Row | undefined =>
    rows.find(([pattern]) => pattern.test(text) || pattern.test(code));
  const mistrusted = rowOf(MISTRUSTED);
  if (mistrusted !== undefined) return { reason: mistrusted[1], hint: mistrusted[2] };
  const other = rowOf(ANOTHER);
  if (other !== undefined) return { reason: other[1], hint: other[2] };
  const reason = OPENSSL.exec(text)?.[1];
  return reason === undefined
    ? undefined
    : { reason: `TLS failed there: ${reason}`, hint: 'Is that the address of a core?' };
}
