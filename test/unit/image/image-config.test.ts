import { describe, expect, it } from 'vitest';
import { imageConfigFromOci } from '../../../src/core/image/format/image-config.ts';
import { emptyImageConfig } from '../../../src/core/model/image/image.ts';

const configuration = (config: unknown): string =>
  JSON.stringify({ architecture: 'amd64', os: 'linux', config, rootfs: { type: 'layers', diff_ids: [] } });

describe('imageConfigFromOci', () => {
  it('takes over what concerns running', () => {
    const config = {
      Entrypoint: ['/entry'],
      Cmd: ['a'],
      Env: ['A=1'],
      User: '1000:1000',
      WorkingDir: '/srv',
      StopSignal: 'SIGINT',
      ExposedPorts: { '80/tcp': {}, '53/udp': {}, '443': {}, '99999/tcp': {} },
      Labels: { a: 'b' },
      Volumes: { '/var/lib/data/': {}, '/a': {}, 'b/../c': null, '/': {}, '/..': {}, '': {} },
      Healthcheck: {},
    };
    expect(imageConfigFromOci(configuration(config))).toEqual({
      entrypoint: ['/entry'],
      cmd: ['a'],
      env: ['A=1'],
      user: '1000:1000',
      workingDir: '/srv',
      stopSignal: 'SIGINT',
      exposedPorts: [80, 443],
      labels: { a: 'b' },
      volumes: ['/a', '/c', '/var/lib/data'],
    });
  });

  it.each([
    ['null', null],
    ['missing', undefined],
    ['empty', {}],
    [
      'full of nulls, as Go writes it',
      { Entrypoint: null, Cmd: null, Env: null, ExposedPorts: null, Labels: null, Volumes: null },
    ],
  ])('understands a config that is %s', (_title, config) => {
    expect(imageConfigFromOci(configuration(config))).toEqual(emptyImageConfig);
  });

  it.each([
    ['no JSON', 'not JSON'],
    ['[]', 'not valid'],
    ['{"rootfs":{"diff_ids":["sha256:1"]}}', 'rootfs.diff_ids.0: is not a sha256 digest'],
    [configuration({ Cmd: 'sh' }), 'config.Cmd'],
  ])('refuses %s', (json, reason) => {
    expect(() => imageConfigFromOci(json)).toThrow(reason);
  });
});
