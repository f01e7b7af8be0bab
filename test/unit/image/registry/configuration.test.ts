import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseRegistriesFile } from '../../../../src/core/image/registry/configuration-file.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';

const FILE = '/etc/fsb/registries.yaml';
const parse = (text: string) => parseRegistriesFile(text, FILE);

describe('registries.yaml', () => {
  it.each(['', '# nothing\n', 'registries:\n', 'registries: {}\nproxy:\n'])(
    'may say nothing: %j',
    async (text) => {
      expect(await parse(text)).toEqual({ file: FILE, registries: new Map() });
    },
  );

  it('says what registries are like', async () => {
    const { registries, proxy } = await parse(`
registries:
  index.docker.io: { mirrors: [https://mirror.example.com, "http://10.0.0.1:5000"] }
  "Registry.local:5000":
    insecure: true
    ca: certificates/ca.pem
    client_cert: /c.pem
    client_key: /k.pem
  "[::1]:5000":
proxy: { http: "proxy:3128", https: "http://ada:secret@proxy", no_proxy: [local] }
`);
    expect(registries.get('docker.io')!.mirrors.map(String)).toEqual([
      'https://mirror.example.com/',
      'http://10.0.0.1:5000/',
    ]);
    expect(registries.get('registry.local:5000')).toEqual({
      mirrors: [],
      insecure: true,
      ca: '/etc/fsb/certificates/ca.pem',
      clientCertificate: '/c.pem',
      clientKey: '/k.pem',
    });
    expect(registries.get('[::1]:5000')).toEqual({ mirrors: [], insecure: false });
    expect([proxy!.http!.href, proxy!.https!.host, proxy!.noProxy]).toEqual([
      'http://proxy:3128/',
      'proxy',
      ['local'],
    ]);
  });

  it.each([
    ['registries:\n  a:\n    insecur: true', 'line 3: unknown key registries.a.insecur', 'insecure'],
    ['registrie: {}', 'line 1: unknown key registrie', 'registries'],
    ['registries:\n  a: { client_cert: x }', 'line 2: registries.a: client_cert and client_key', undefined],
    ['registries:\n  a: { insecure: 1 }', 'line 2: registries.a.insecure', undefined],
    [
      'registries:\n  a:\n    mirrors:\n      - https://b\n      - b',
      'line 5: registries.a.mirrors.1',
      undefined,
    ],
    ['registries:\n  ftp://a: {}', 'line 2', undefined],
    ['registries:\n  a: {}\n  a: {}', 'line 3', undefined],
    [
      'registries:\n  a.test: {}\nregistries:\n  b.test: {}',
      'line 3: registries is there twice',
      'one registries:',
    ],
    ['registries:\n  a.test: {}\n  a.test: {}', 'line 3: a.test is there twice', 'one a.test:'],
    ['registries: [', 'line 1', undefined],
    ['- a', FILE, undefined],
    ['registries: *a', FILE, undefined],
  ])('says what is wrong, and where: %j', async (text, why, hint) => {
    const error = await parse(text).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(why) });
    expect(error.message).toContain(FILE);
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  it('never repeats a password', async () => {
    const error = await parse('proxy: { https: "ftp://ada:secret@proxy" }').catch((thrown) => thrown);
    expect(error).toBeInstanceOf(FsbError);
    expect(`${error.message} ${error.hint}`).not.toContain('secret');
  });

  it('reads back whatever is written in its form', async () => {
    const host = fc
      .tuple(fc.domain(), fc.option(fc.integer({ min: 1, max: 65_535 })))
      .map(([domain, port]) => (port === null ? domain : `${domain}:${port}`).toLowerCase());
    const registry = fc.record(
      {
        insecure: fc.boolean(),
        ca: fc.constant('/ca.pem'),
        mirrors: fc.array(host.map((name) => `https://${name}`)),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(host, registry), async (registries) => {
        const read = await parse(stringify({ registries }));
        expect([...read.registries.keys()].sort()).toEqual(Object.keys(registries).sort());
        for (const [name, it] of Object.entries(registries)) {
          const settings = read.registries.get(name)!;
          expect([settings.insecure, settings.ca]).toEqual([it.insecure ?? false, it.ca]);
          expect(settings.mirrors.map((url) => url.href)).toEqual(
            (it.mirrors ?? []).map((address) => new URL(address).href),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it('understands any text, or says in its own words that it does not', async () => {
    const line = fc.constantFrom(
      'registries:',
      '  a:',
      '  insecure: yes',
      '- b',
      '{',
      ']',
      'proxy: x',
      ': ',
      '&a',
      '*a',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(line, fc.string())), async (lines) => {
        const result = await parse(lines.join('\n')).catch((thrown) => thrown);
        if (result instanceof Error) expect(result).toMatchObject({ code: 'invalid_argument' });
      }),
    );
  });
});
