import { describe, expect, it } from 'vitest';
import { parseEndpoint } from '../../../../src/cli/config/endpoint.ts';

describe('endpoints', () => {
  it.each([
    [
      'unix:///run/fsb/fsb.sock',
      { kind: 'unix', grpc: 'unix:///run/fsb/fsb.sock', http: 'unix:///run/fsb/http.sock' },
    ],
    ['unix:/a/b', { kind: 'unix', grpc: 'unix:///a/b', http: 'unix:///a/http.sock' }],
    ['tcp://host:9091', { kind: 'tcp', grpc: 'host:9091' }],
    ['tcp://host', { kind: 'tcp', grpc: 'host:9090' }],
    ['tcp://[::1]:9090', { kind: 'tcp', grpc: '[::1]:9090' }],
    ['tls://core.example.com', { kind: 'tls', grpc: 'core.example.com:9090' }],
    ['ssh://far', { kind: 'ssh', host: 'far' }],
    ['ssh://far/', { kind: 'ssh', host: 'far' }],
    ['ssh://me@far:22', { kind: 'ssh', host: 'far', user: 'me', port: 22 }],
    [
      'ssh://me@[fe80::1]/run/fsb/fsb.sock',
      { kind: 'ssh', host: 'fe80::1', user: 'me', socket: '/run/fsb/fsb.sock' },
    ],
    ['embedded:', { kind: 'embedded' }],
    ['embedded:/srv/core', { kind: 'embedded', root: '/srv/core' }],
    ['embedded:///srv/core', { kind: 'embedded', root: '/srv/core' }],
  ])('%s', (text, endpoint) => expect(parseEndpoint(text)).toEqual(endpoint));

  it.each([
    ['host:9090'],
    ['tcp://'],
    ['tcp://h:0'],
    ['tcp://h:99999'],
    ['unix://relative'],
    ['tcp://a:1:2'],
    ['tcp://a/path'],
    ['embedded:relative'],
    ['ssh://'],
    ['ssh://me@'],
    ['ssh://h:0'],
    ['http://host:9090'],
    // What would be an option, or a command, somewhere on its way.
    ['ssh://-oProxyCommand=touch'],
    ['ssh://-l@host'],
    ['ssh://me;id@host'],
    ['ssh://$(id)@host'],
    ['ssh://host/a b'],
    ['ssh://host/%h'],
    ['ssh://host/a:b'],
  ])('refuses %s', (text) => expect(() => parseEndpoint(text)).toThrow('invalid endpoint'));
});
