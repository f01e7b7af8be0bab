import { expect, it } from 'vitest';
import { type Listening, listeningOn } from '../../../../src/cli/local/serve/listening.ts';

const metrics = '127.0.0.1:9091';
const http = '127.0.0.1:5758';

it.each<[string, Parameters<typeof listeningOn>[0], boolean, Listening]>([
  ['on loopback alone, and not for gRPC', {}, false, { http, metrics, usualPorts: [http, metrics] }],
  [
    'for other machines, when it knows who calls',
    {},
    true,
    { grpc: '0.0.0.0:9090', http: '0.0.0.0:5758', metrics, usualPorts: ['0.0.0.0:5758', metrics] },
  ],
  [
    'for HTTP where it does for gRPC',
    { grpc: '[2001:db8::1]:443' },
    true,
    {
      ...{ grpc: '[2001:db8::1]:443', http: '[2001:db8::1]:5758', metrics },
      usualPorts: ['[2001:db8::1]:5758', metrics],
    },
  ],
  [
    'for gRPC where it does for HTTP',
    { http: '127.0.0.1:443', metrics: 'off' },
    true,
    { grpc: '127.0.0.1:9090', http: '127.0.0.1:443', usualPorts: [] },
  ],
  [
    'for HTTP on loopback, when it does not for gRPC',
    { grpc: 'off' },
    true,
    { http, metrics, usualPorts: [http, metrics] },
  ],
  [
    'for gRPC everywhere, when it does not for HTTP',
    { http: 'off' },
    true,
    { grpc: '0.0.0.0:9090', metrics, usualPorts: [metrics] },
  ],
  [
    'for HTTP on loopback when gRPC is elsewhere without TLS, and that is refused later',
    { grpc: '192.0.2.1:9090' },
    false,
    { grpc: '192.0.2.1:9090', http, metrics, usualPorts: [http, metrics] },
  ],
])('a core listens %s', (_, asked, isServer, listening) => {
  expect(listeningOn(asked, isServer)).toEqual(listening);
});
