import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Target, tlsOptionsFor } from '../../../src/core/client/security.ts';
import { Authority } from '../../helpers/core/certificates.ts';

const at = (port: number, security: Target['security']): Target => ({
  ...{ kind: 'tcp', host: '127.0.0.1', port },
  ...(security && { security }),
});

it('reads authorities and certificates once for all connections of a client, to gRPC and to HTTP', () => {
  using authority = new Authority();
  const tls = { ca: readFileSync(authority.ca) };
  const grpc = tlsOptionsFor(at(9090, { tls, token: 'one' }))!;
  const http = tlsOptionsFor(at(5758, { tls, token: 'one' }))!;
  expect(http.secureContext).toBe(grpc.secureContext);
  const other = tlsOptionsFor(at(9090, { tls: { ...tls } }))!;
  expect(other.secureContext).not.toBe(grpc.secureContext);
  expect(tlsOptionsFor(at(9090, undefined))).toBeUndefined();
});
