import { describe, expect, it } from 'vitest';
import { parseSandboxConfig } from '../../../src/core/tools/pool/sandbox-config.ts';

const parse = (config: unknown) => parseSandboxConfig(config, '/sandbox');
const nothing = { resources: {}, network: 'none', mounts: [], warnings: [] };

describe('sandbox config', () => {
  it.each([
    [{}, nothing],
    [{ image: 'python:3' }, { ...nothing, image: 'python:3' }],
    [
      { memory_limit: '1g', cpu_limit: 0.5, pids_limit: 64 },
      { ...nothing, resources: { memory: '1g', cpus: 0.5, pids: 64 } },
    ],
    [{ ttl: 90 }, { ...nothing, ttl: 90_000 }],
    [{ ttl: '2h' }, { ...nothing, ttl: 7_200_000 }],
    [{ ttl: 0 }, { ...nothing, ttl: 0 }],
    [{ network: 'host' }, { ...nothing, network: 'host' }],
    [{ network: 'host', network_enabled: false }, nothing],
    [{ network: null, network_enabled: false }, nothing],
    [{ network: 'bridge', network_enabled: false }, nothing],
    [{ working_dir: '/sandbox', tools_config: { python_executor: { timeout: 3 } } }, nothing],
    [
      {
        volumes: {
          '/in': { bind: '/data', mode: 'ro' },
          '/out': { bind: '/result', mode: 'rw' },
          '/also': { bind: '/other' },
        },
      },
      {
        ...nothing,
        mounts: [
          { source: '/in', target: '/data', read_only: true },
          { source: '/out', target: '/result', read_only: false },
          { source: '/also', target: '/other', read_only: true },
        ],
      },
    ],
  ])('%j', (config, meaning) => {
    expect(parse(config)).toEqual(meaning);
  });

  it.each([{ network: 'bridge' }, { network_enabled: true }, { network: 'my-net', network_enabled: true }])(
    'warns that there is no network for %j',
    (config) => {
      expect(parse(config)).toMatchObject({
        network: 'none',
        warnings: [expect.stringContaining('no network')],
      });
    },
  );

  it.each([
    [{ ports: { 80: 8080 } }, 'ports: is not offered'],
    [{ command: 'sleep 1' }, 'command: is not offered'],
    [{ resource_limits: { memory: 1 } }, 'use memory_limit'],
    [{ platform: 'linux/arm64' }, 'platform: is not offered'],
    [{ cpu_limit: 0 }, 'cpu_limit: must be more than 0'],
    [{ ttl: 'soon' }, 'ttl: invalid duration "soon"'],
    [{ volumes: { '/in': { bind: 'data' } } }, 'must be an absolute path'],
    [{ tools_config: 3 }, 'tools_config: must name tools'],
  ])('refuses %j', (config, problem) => {
    expect(() => parse(config)).toThrow(problem);
  });
});
