import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf, keysFor, registryName } from '../../../src/cli/login/registry-name.ts';
import { parseRegistriesFile } from '../../../src/core/image/registry/configuration-file.ts';
import { parseReference } from '../../../src/core/model/image/reference.ts';
import { registryHost } from '../../../src/core/model/image/registry-host.ts';

describe('registryHost', () => {
  it.each([
    ['LOCALHOST:5000', 'localhost:5000'],
    ['Registry.Example.COM', 'registry.example.com'],
    ['https://host.test/v1/', 'host.test'],
    ['HTTP://host.test:80', 'host.test:80'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['Docker.IO', 'docker.io'],
    ['[FE80::1]:5000', '[fe80::1]:5000'],
    // To docker these are two registries, with two entries in config.json and two directories in certs.d.
    ['host.test:443', 'host.test:443'],
    // `registry/tool` would be one of Docker Hub.
    ['Registry', 'REGISTRY'],
  ])('%s is %s', (text, host) => {
    expect(registryHost(text)).toBe(host);
  });

  it.each([
    '',
    'https://',
    'a b',
    'host:',
    'host:99999',
    '-a.test',
    '42',
    'a..b',
    '1.2.3.999',
    'ftp://a.test',
    '[::g]',
  ])('%j is none', (text) => {
    expect(registryHost(text)).toBeUndefined();
  });

  const spellings = fc
    .tuple(fc.domain(), fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }))
    .map(([domain, port]) => (port === undefined ? domain : `${domain}:${port}`).toLowerCase())
    .chain((host) => fc.tuple(fc.constant(host), fc.array(fc.boolean(), { minLength: host.length })))
    .map(([host, uppers]) => ({
      host,
      shouted: [...host].map((it, at) => (uppers[at] ? it.toUpperCase() : it)).join(''),
    }));
  const dressed = fc.tuple(
    fc.constantFrom('', 'https://', 'http://', 'HTTPS://'),
    fc.constantFrom('', '/', '/v1/', '/v2/'),
  );

  it('is the same for every spelling, everywhere', async () => {
    await fc.assert(
      fc.asyncProperty(spellings, dressed, async ({ host, shouted }, [scheme, path]) => {
        const address = `${scheme}${shouted}${path}`;
        expect(registryHost(address)).toBe(host);
        expect(registryName(address)).toBe(host);
        expect(parseReference(`${shouted}/a`).domain).toBe(host);
        expect(keysFor(host, { [address]: {} })).toEqual([address]);
        const file = JSON.stringify({ registries: { [address]: { insecure: true } } });
        expect((await parseRegistriesFile(file, 'f')).registries.get(host)?.insecure).toBe(true);
      }),
    );
  });

  it('is its own spelling, and begins a reference', () => {
    const text = fc.oneof(
      spellings.map(({ shouted }) => shouted),
      fc.string(),
      fc.stringMatching(/^[a-zA-Z.:0-9]+$/),
    );
    fc.assert(
      fc.property(text, (any) => {
        const host = registryHost(any);
        if (host === undefined) return;
        expect(registryHost(host)).toBe(host);
        expect(parseReference(`${host}/a/b`)).toMatchObject({ domain: host, path: 'a/b' });
      }),
    );
  });

  it('keeps the key that docker gives its own registry', () => {
    for (const name of [
      'docker.io',
      'index.docker.io',
      'registry-1.docker.io',
      'https://index.docker.io/v1/',
    ])
      expect(keyOf(registryName(name))).toBe('https://index.docker.io/v1/');
  });

  it('may stand in registries.yaml once, whatever its spelling', async () => {
    const text = 'registries:\n  docker.io: {}\n  index.docker.io: { insecure: true }';
    const error = await parseRegistriesFile(text, 'f').catch((thrown) => thrown);
    expect(error.message).toContain('line 3: registries.index.docker.io: is the same registry as docker.io');
  });
});
