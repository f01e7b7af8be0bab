import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { repository } from '../core/real-core.ts';
import { listen } from '../image/registry/listening.ts';

export interface NpmRegistry {
  /** `http://127.0.0.1:4711` */
  url: string;
  stop(): Promise<void>;
}

interface Entry {
  version: string;
  dev?: boolean;
}

/**
 * A registry on loopback with the packages that are installed in this checkout and that users get too, each in its
 * installed version: what `npm install fsb-ctl` would fetch, with no network.
 */
export async function startNpmRegistry(): Promise<NpmRegistry> {
  const versions = await installed();
  const server = createServer((request, response) => {
    answer(request, response, versions).catch((error: unknown) => response.destroy(error as Error));
  });
  const { address, stop } = await listen(server);
  return { url: `http://${address}`, stop };
}

/** By name: the directories of its versions. What is locked and not here is for other platforms. */
async function installed(): Promise<Map<string, string[]>> {
  const lock = JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8'));
  const found = new Map<string, string[]>();
  for (const [path, { dev }] of Object.entries<Entry>(lock.packages)) {
    const name = path.split('node_modules/').at(-1)!;
    if (name !== '' && !dev) found.set(name, [...(found.get(name) ?? []), join(repository, path)]);
  }
  return found;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  packages: Map<string, string[]>,
): Promise<void> {
  const [name = '', version] = decodeURIComponent(request.url!.slice(1)).split('/-/');
  const manifests = (await Promise.all((packages.get(name) ?? []).map(manifestOf))).flat();
  const chosen = manifests.find((manifest) => manifest.version === version);
  if (chosen) return sendTarball(chosen.directory, response);
  if (manifests.length === 0 || version !== undefined) return void response.writeHead(404).end('{}');
  const base = `http://${request.headers.host}/${name}/-/`;
  const entries = manifests.map(({ version, manifest }) => [
    version,
    { ...manifest, dist: { tarball: `${base}${version}` } },
  ]);
  const document = {
    name,
    'dist-tags': { latest: manifests[0]!.version },
    versions: Object.fromEntries(entries),
  };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
}

interface Installed {
  directory: string;
  version: string;
  manifest: Record<string, unknown>;
}

async function manifestOf(directory: string): Promise<Installed[]> {
  const text = await readFile(join(directory, 'package.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const manifest = JSON.parse(text);
  return [{ directory, version: manifest.version, manifest }];
}

function sendTarball(directory: string, response: ServerResponse): void {
  const words = [
    '--transform=s,^\\.,package,',
    '--exclude=./node_modules',
    '-czf',
    '-',
    '-C',
    directory,
    '.',
  ];
  const tar = spawn('tar', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  tar.stdout.pipe(response);
}
