import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { connect, createServer as createGate } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { layoutFiles, tarOf } from '../../helpers/image/image-files.ts';
import { type Authority, createAuthority } from '../../helpers/image/registry/authority.ts';
import { type ClientFixture, createClient } from '../../helpers/image/registry/client-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { listen } from '../../helpers/image/registry/listening.ts';
import { pushImage } from '../../helpers/image/registry/push.ts';

const DAMAGED = '-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n';

let authority: Authority;
let registry: TestRegistry;
let client: ClientFixture;

beforeAll(async () => {
  authority = await createAuthority();
  registry = await startRegistry({ tls: await authority.issue() });
  await pushImage(registry, 'tool', layoutFiles([{ layers: [await tarOf([{ name: 'a', content: 'a' }])] }]));
});
afterAll(async () => {
  await registry.stop();
  await authority.remove();
});
beforeEach(async () => {
  client = await createClient();
});
afterEach(() => client.close());

const read = async (address: string) => (await client.open(address, 'tool')).manifest('latest');

describe('a registry with a certificate of its own authority', () => {
  it('is not believed, and the error says which lines to write where', async () => {
    await expect(read(registry.address)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('authority'),
      hint: expect.stringContaining(
        `${client.file}:\nregistries:\n  "${registry.address}": { ca: /path/to/ca.pem }`,
      ),
    });
    expect(client.waits).toEqual([]);
  });

  it('is believed with ca, of which the path may be relative to the file', async () => {
    await copyFile(authority.ca, join(client.directory, 'ca.pem'));
    await client.configure(`registries: { "${registry.address}": { ca: ca.pem } }`);
    expect((await read(registry.address)).body.length).toBeGreaterThan(0);
  });

  it('is believed with docker\u2019s own certificates', async () => {
    const directory = join(client.dockerCertificates, registry.address);
    await mkdir(directory, { recursive: true });
    await copyFile(authority.ca, join(directory, 'ca.crt'));
    expect((await read(registry.address)).body.length).toBeGreaterThan(0);
  });

  it('has them under any spelling of its name', async () => {
    const address = registry.address.replace('127.0.0.1', 'localhost');
    const directory = join(client.dockerCertificates, address.toUpperCase());
    await mkdir(directory, { recursive: true });
    await copyFile(authority.ca, join(directory, 'ca.crt'));
    expect((await read(address)).body.length).toBeGreaterThan(0);
  });

  it('is believed when it is insecure', async () => {
    await client.configure(`registries: { "${registry.address}": { insecure: true } }`);
    expect((await read(registry.address)).body.length).toBeGreaterThan(0);
  });

  it('is not taken for one without TLS because a connection was cut once', async () => {
    const [host, port] = registry.address.split(':') as [string, string];
    let count = 0;
    const gate = await listen(
      createGate((socket) => {
        count += 1;
        if (count === 1) socket.destroy();
        else socket.pipe(connect(Number(port), host)).pipe(socket);
      }),
    );
    try {
      await client.configure(`registries: { "${gate.address}": { insecure: true } }`);
      expect((await read(gate.address)).body.length).toBeGreaterThan(0);
      expect(client.waits).toEqual([500]);
    } finally {
      await gate.stop();
    }
  });

  it('is believed with the system\u2019s bundle', async () => {
    const other = await createClient({ env: { SSL_CERT_FILE: authority.ca } });
    try {
      const repository = await other.open(registry.address, 'tool');
      expect((await repository.manifest('latest')).body.length).toBeGreaterThan(0);
    } finally {
      await other.close();
    }
  });

  it('is believed with a directory of the system\u2019s, where a damaged file harms nobody', async () => {
    const directory = join(client.directory, 'authorities');
    await mkdir(directory);
    await copyFile(authority.ca, join(directory, '0a1b2c3d.0'));
    await writeFile(join(directory, 'damaged.pem'), DAMAGED);
    const other = await createClient({ env: { SSL_CERT_DIR: `/nowhere:${directory}` } });
    try {
      const repository = await other.open(registry.address, 'tool');
      expect((await repository.manifest('latest')).body.length).toBeGreaterThan(0);
    } finally {
      await other.close();
    }
  });

  describe('names a file that cannot be used, and what named it', () => {
    const files = async () => {
      const [own, other] = await Promise.all([authority.issue(), authority.issue()]);
      const damaged = join(client.directory, 'damaged.pem');
      await writeFile(damaged, DAMAGED);
      return { own, other, damaged };
    };

    it.each([
      ['that is not there', async () => '/nowhere/ca.pem', 'ENOENT: no such file or directory'],
      ['that is no certificate', async () => '/etc/hostname', 'there is no certificate in it'],
      ['that is damaged', async () => (await files()).damaged, 'certificate 1 in it is damaged'],
    ])('a ca %s', async (_, make, why) => {
      const path = await make();
      await client.configure(`registries: { "${registry.address}": { ca: ${path} } }`);
      await expect(read(registry.address)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: `cannot use ${path}, the ca that ${client.file} names for registry ${registry.address}: ${why}`,
      });
    });

    it.each([
      ['of another certificate', 'does not belong to the certificate'],
      ['that is none', 'there is no key in it'],
    ])('a key %s', async (_, why) => {
      const { own, other, damaged } = await files();
      const key = why.includes('belong') ? other.key : damaged;
      const settings = `client_cert: ${own.certificate}, client_key: ${key}`;
      await client.configure(`registries: { "${registry.address}": { ${settings} } }`);
      await expect(read(registry.address)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringMatching(
          new RegExp(`${key}, the client_key that ${client.file} names.*${why}`),
        ),
      });
    });

    it('a certificate in docker\u2019s directory that is damaged, or has no key', async () => {
      const directory = join(client.dockerCertificates, registry.address);
      await mkdir(directory, { recursive: true });
      const { own } = await files();
      await copyFile(own.certificate, join(directory, 'me.cert'));
      const wrong = (name: string) =>
        expect(read(registry.address)).rejects.toMatchObject({
          code: 'invalid_argument',
          message: expect.stringMatching(
            new RegExp(`${join(directory, name)}, the .* that ${directory} names`),
          ),
        });
      await wrong('me.key');
      await copyFile(own.key, join(directory, 'me.key'));
      await writeFile(join(directory, 'ca.crt'), DAMAGED);
      await wrong('ca.crt');
    });
  });
});

it.each([
  ['of another host', { names: ['DNS:other.test'] }],
  ['that has expired', { expired: true }],
])('a certificate %s is not good', async (_, options) => {
  const wrong = await startRegistry({ tls: await authority.issue(options) });
  try {
    await client.configure(`registries: { "${wrong.address}": { ca: ${authority.ca} } }`);
    await expect(read(wrong.address)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('its certificate is not good'),
      hint: expect.stringContaining('ca:'),
    });
    expect(client.waits).toEqual([]);
  } finally {
    await wrong.stop();
  }
});

it('nothing that began encrypted is followed to where it is not', async () => {
  const { certificate, key, ca } = await authority.issue();
  const options = { cert: readFileSync(certificate), key: readFileSync(key) };
  const location = 'http://127.0.0.1:1/';
  const front = await listen(
    createServer(options, (_, outgoing) => void outgoing.writeHead(302, { location }).end()),
  );
  try {
    await client.configure(`registries: { "${front.address}": { ca: ${ca} } }`);
    await expect(read(front.address)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(
        `cannot pull ${front.address}/tool: manifest latest: ${front.address} redirects to 127.0.0.1:1 without encryption`,
      ),
    });
  } finally {
    await front.stop();
  }
});

describe('a registry that wants a client certificate', () => {
  it('says so, and gets it', async () => {
    const wanting = await startRegistry({ tls: await authority.issue(), clientCertificates: true });
    const { certificate, key, ca } = await authority.issue();
    try {
      await client.configure(`registries: { "${wanting.address}": { ca: ${ca} } }`);
      await expect(read(wanting.address)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('client certificate'),
        hint: expect.stringContaining('client_cert'),
      });
      const settings = `{ ca: ${ca}, client_cert: ${certificate}, client_key: ${key} }`;
      await client.configure(`registries: { "${wanting.address}": ${settings} }`);
      await expect(read(wanting.address)).rejects.toMatchObject({ code: 'image_not_found' });
    } finally {
      await wanting.stop();
    }
  });

  it('gets it, and a redirect to another host does not', async () => {
    const { certificate, key, ca } = await authority.issue();
    const seen: string[] = [];
    const serve = (name: string, answer: (to: string) => Record<string, string>) =>
      createServer(
        {
          cert: readFileSync(certificate),
          key: readFileSync(key),
          ca: readFileSync(ca),
          requestCert: true,
          rejectUnauthorized: false,
        },
        (incoming, outgoing) => {
          const { authorized } = incoming.socket as import('node:tls').TLSSocket;
          seen.push(`${name} ${authorized}`);
          const headers = answer(incoming.url!);
          outgoing.writeHead(headers.location ? 307 : 404, headers).end();
        },
      );
    const storage = await listen(serve('storage', () => ({})));
    const front = await listen(serve('front', (path) => ({ location: `https://${storage.address}${path}` })));
    try {
      await client.configure(
        `registries: { "${front.address}": { ca: ${ca}, client_cert: ${certificate}, client_key: ${key} } }`,
      );
      await expect(read(front.address)).rejects.toMatchObject({ code: 'image_not_found' });
      expect(seen).toEqual(['front true', 'storage false']);
    } finally {
      await Promise.all([front.stop(), storage.stop()]);
    }
  });
});
