import { expect, it } from 'vitest';
import { tlsTrouble } from '../../../src/core/client/tls-trouble.ts';

const alert = (routine: string, reason: string): string =>
  `80ACC848DE7F0000:error:0A000460:SSL routines:${routine}:${reason}:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:1601:SSL alert number 120\n`;

it.each([
  [alert('ssl3_get_record', 'wrong version number'), 'what listens there does not speak TLS'],
  [
    `write EPROTO ${alert('ssl3_get_record', 'wrong version number')}`,
    'what listens there does not speak TLS',
  ],
  [
    'Client network socket disconnected before secure TLS connection was established',
    'it hung up before TLS began: what listens there may not speak TLS',
  ],
  [
    alert('ssl3_read_bytes', 'tlsv1 alert no application protocol'),
    'what listens there speaks TLS, but not gRPC',
  ],
  [alert('ssl3_read_bytes', 'sslv3 alert handshake failure'), 'TLS failed there: handshake failure'],
  [
    `write EPROTO ${alert('ssl3_read_bytes', 'tlsv13 alert certificate required')}`,
    'TLS failed there: certificate required',
  ],
  [alert('ssl_choose_client_version', 'unsupported protocol'), 'TLS failed there: unsupported protocol'],
])('says what went wrong in words: %s', (text, reason) => {
  expect(tlsTrouble(text, '')).toMatchObject({ reason, hint: expect.any(String) });
});

it.each(['self-signed certificate', 'certificate has expired', 'certificate is not yet valid'])(
  'does not trust who has a wrong certificate: %s',
  (text) => {
    expect(tlsTrouble(text, '')).toMatchObject({ reason: expect.stringMatching(/^its certificate/) });
  },
);

it('has nothing to say of what is no matter of TLS', () => {
  expect(tlsTrouble('connect ECONNREFUSED 127.0.0.1:9090', 'ECONNREFUSED')).toBeUndefined();
});
