import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { registryHost } from '../../model/image/registry-host.ts';
import { type PemFile, readCertificates, readKeyPair } from './pem-files.ts';

/** Texts of PEM files. */
export interface Material {
  ca: string[];
  cert: string[];
  key: string[];
}

/**
 * What docker's directory (`/etc/docker/certs.d`) has for a registry, under any spelling of its name: `*.crt`, and
 * `*.cert` with `*.key`. A directory that may not be read has nothing, as for docker.
 * @throws invalid_argument naming the file
 */
export async function readDockerCertificates(parent: string, registry: string): Promise<Material> {
  const names = await namesIn(parent);
  const mine = names.filter((name) => registryHost(name) === registry);
  const each = await Promise.all(mine.map((name) => readDirectory(join(parent, name), registry)));
  const all = (kind: keyof Material): string[] => each.flatMap((material) => material[kind]);
  return { ca: all('ca'), cert: all('cert'), key: all('key') };
}

async function readDirectory(directory: string, registry: string): Promise<Material> {
  const names = await namesIn(directory);
  const file = (name: string, what: string): PemFile => ({
    ...{ path: join(directory, name), what, registry, place: directory },
  });
  const ca = names.filter((name) => name.endsWith('.crt')).map((name) => file(name, 'ca'));
  // Of two that belong together none may be missing.
  const clients = names.flatMap((name) => /^(.+)\.(?:cert|key)$/.exec(name)?.[1] ?? []);
  const pairs = [...new Set(clients)].map((name) =>
    readKeyPair(file(`${name}.cert`, 'client certificate'), file(`${name}.key`, 'client key')),
  );
  const read = await Promise.all(pairs);
  return {
    ca: await Promise.all(ca.map(readCertificates)),
    cert: read.map(({ certificate }) => certificate),
    key: read.map(({ key }) => key),
  };
}

const namesIn = async (directory: string): Promise<string[]> =>
  (await readdir(directory).catch(() => [])).sort();
