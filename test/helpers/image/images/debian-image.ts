import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ociArchitecture, ociMediaTypes } from '../image-files.ts';
import { published } from './published.ts';
import { addJson, addLayer, type StoredLayer } from './stored-layers.ts';

const run = promisify(execFile);

/** What is in it besides Debian's minimal base. */
const PACKAGES = ['python3', 'nodejs'];
/** One layer for each, as if an image had been built in some steps: files of each layer, relative to the root. */
const LAYERS = [
  ['--exclude=./usr/*', '.'],
  ['--exclude=./usr/lib', '--exclude=./usr/share', './usr'],
  ['./usr/lib'],
  ['./usr/share'],
];
/** To be raised when the recipe below changes. */
const RECIPE = 1;

export interface DebianImage {
  /** Directory: an OCI layout with this one image, tag `latest`. */
  layout: string;
  /** `docker.io/library/debian:test` */
  name: string;
}

/**
 * A real distribution of some 300 MB: Debian's minimal base with Python and Node, by debootstrap from the mirror that
 * this machine uses. Takes about a minute the first time, and nothing later.
 */
export async function debianImage(): Promise<DebianImage> {
  const suite = await codename();
  const mirror = await mirrorOf(suite);
  const name = 'docker.io/library/debian:test';
  const madeOf = [RECIPE, suite, mirror, ociArchitecture, PACKAGES, LAYERS];
  const layout = await published('debian', madeOf, async (directory) => {
    const root = join(directory, 'root');
    await run('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join(',')}`, suite, root, mirror], {
      maxBuffer: 64 * 1024 * 1024,
    });
    await tidy(root);
    const layers: StoredLayer[] = [];
    for (const words of LAYERS) layers.push(await addLayer(directory, root, words));
    await rm(root, { recursive: true });
    await writeLayout(directory, name, layers);
  });
  return { layout, name };
}

async function codename(): Promise<string> {
  const found = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile('/etc/os-release', 'utf8'));
  if (!found) throw new Error('/etc/os-release does not say which Debian this is');
  return found[1]!;
}

/** Where this machine's own packages of that suite come from. */
async function mirrorOf(suite: string): Promise<string> {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const { stdout } = await run('apt-get', ['indextargets', 'Created-By: Packages', '--format', format]);
  const targets = stdout.split('\n').map((line) => line.split(' '));
  const uri = targets.find(([, release, component]) => release === suite && component === 'main')?.[0];
  return uri ?? 'http://deb.debian.org/debian/';
}

/** As in the images that Debian publishes: no downloads, no devices. */
async function tidy(root: string): Promise<void> {
  for (const emptied of ['dev', 'var/cache/apt', 'var/lib/apt/lists', 'var/log']) {
    const directory = join(root, emptied);
    for (const entry of await readdir(directory)) await rm(join(directory, entry), { recursive: true });
  }
}

async function writeLayout(directory: string, name: string, layers: StoredLayer[]): Promise<void> {
  const config = await addJson(directory, ociMediaTypes.config, {
    ...{ architecture: ociArchitecture, os: 'linux', created: '2024-01-01T00:00:00Z' },
    config: { Cmd: ['bash'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const { manifest: mediaType } = ociMediaTypes;
  const descriptors = layers.map(({ descriptor }) => descriptor);
  const manifest = await addJson(directory, mediaType, {
    ...{ schemaVersion: 2, mediaType, config, layers: descriptors },
  });
  const annotations = {
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': 'latest',
  };
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(
    join(directory, 'index.json'),
    JSON.stringify({
      ...{ schemaVersion: 2, mediaType: ociMediaTypes.index },
      manifests: [{ ...manifest, annotations }],
    }),
  );
}
