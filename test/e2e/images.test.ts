import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/core/model/sandbox/sandbox.ts';
import { finish, Workbench } from '../contract/workbench.ts';
import { firstProcesses } from '../helpers/core/first-processes.ts';
import { type RealCore, repository, startRealCore } from '../helpers/core/real-core.ts';
import { layoutFiles, writeFiles } from '../helpers/image/image-files.ts';
import { awkwardImage } from '../helpers/image/images/awkward-image.ts';
import { debianImage } from '../helpers/image/images/debian-image.ts';
import { treeListing } from '../helpers/image/images/tree-listing.ts';
import { pulled } from '../helpers/image/pull-fixture.ts';
import { startRegistry, type TestRegistry } from '../helpers/image/registry/docker-registry.ts';
import { pushImage } from '../helpers/image/registry/push.ts';

/** Images as they are in the world: a whole distribution, and one of all that is hard to unpack. */

const run = promisify(execFile);
const bench = new Workbench();
let core: RealCore;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-e2e-images-'));
  core = await startRealCore({ pool: { warm: [] } });
  bench.use(core.running.api);
});
afterEach(() => bench.cleanUp());
afterAll(async () => {
  await core.close();
  await rm(directory, { recursive: true, force: true });
});

async function trust({ address }: TestRegistry): Promise<void> {
  const registries = { [address]: { insecure: true } };
  await writeFile(join(core.root, 'registries.yaml'), JSON.stringify({ registries }));
}

const imported = async (path: string): Promise<string> =>
  (await core.running.api.images.import({ source: { path } }))[0]!.references[0]!;

/** The root of a sandbox as this machine sees it: an instance's hostname is the beginning of its id. */
async function rootOf(box: Sandbox): Promise<string> {
  const hostname = (await bench.run(box, 'hostname')).stdout.toString().trim();
  const [, pid] = [...(await firstProcesses(core.root))].find(([id]) => id.startsWith(hostname))!;
  return `/proc/${pid}/root`;
}

describe('Debian', () => {
  let image: string;
  let registry: TestRegistry;
  // Made from the mirror's packages the first time.
  beforeAll(async () => {
    const { layout } = await debianImage();
    registry = await startRegistry();
    image = `${registry.address}/debian:test`;
    const push = ['copy', '--insecure-policy', '--dest-tls-verify=false'];
    await run('skopeo', [...push, `oci:${layout}:latest`, `docker://${image}`]);
    await trust(registry);
    const { NODE_EXTRA_CA_CERTS: _, ...clean } = process.env;
    const env = { ...clean, FSB_ROOT: core.root };
    const { stdout } = await run(join(repository, 'bin/dev.js'), ['pull', '-q', image], { env });
    expect(stdout).toBe(`${image}\n`);
  }, 600_000);
  afterAll(() => registry.stop());

  /** What a command prints, and that it ended well. */
  async function output(script: string, user = ''): Promise<string> {
    const box = await bench.shell(script, { image, user });
    const { stdout, stderr, status } = await finish(
      await bench.core.sandboxes.attach(box, { stdin: false, replay: true }),
    );
    expect({ status, stderr: stderr.toString() }).toEqual({ status: { code: 0, signal: null }, stderr: '' });
    return stdout.toString();
  }

  it.each([
    ['python3', `python3 -c 'import json, ssl, sqlite3; print(json.dumps({"a": 6 * 7}))'`, '{"a": 42}\n'],
    ['node', `node -e 'console.log(require("os").userInfo().username, 6 * 7)'`, 'root 42\n'],
    ['dpkg', 'dpkg -s python3 | grep ^Status', 'Status: install ok installed\n'],
    ['perl', `perl -e 'print join(",", getpwnam("www-data")), "\\n"' | cut -d, -f1,3,4`, 'www-data,33,33\n'],
    ['apt', 'apt-mark showmanual | grep -c -x -e nodejs -e python3', '2\n'],
    ['apt-cache', 'apt-cache policy nodejs | head -2 | grep -c Installed', '1\n'],
    [
      'users',
      'useradd -m -s /bin/bash new && su - new -c "id -un; pwd; touch x; stat -c %U x"',
      'new\n/home/new\nnew\n',
    ],
    [
      'directories',
      'stat -c "%n %a %U" / /root /tmp /usr/bin/passwd /var/mail',
      '/ 755 root\n/root 700 root\n/tmp 1777 root\n/usr/bin/passwd 4755 root\n/var/mail 2775 root\n',
    ],
  ])('%s works', async (_title, script, expected) => {
    expect(await output(script)).toBe(expected);
  });

  it('starts as a user of the image', async () => {
    expect(await output('id -un; id -Gn; echo $HOME', 'www-data')).toBe('www-data\nwww-data\n/var/www\n');
  });

  it('has its own shell as cmd', async () => {
    const box = await bench.core.sandboxes.create({ ...bench.ref(), spec: { image, stdin: true } });
    const session = await bench.core.sandboxes.attach(box, { stdin: true, replay: true });
    await session.write(Buffer.from('echo "$BASH_VERSION" | cut -d. -f1; . /etc/os-release; echo $ID\n'));
    session.endInput();
    expect((await finish(session)).stdout.toString()).toMatch(/^\d\ndebian\n$/);
  });
});

describe('the awkward image', () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startRegistry();
  });
  afterAll(() => registry.stop());

  const sources: [string, () => Promise<string>][] = [
    ['imported', importedAwkward],
    ['pulled from a registry', pulledAwkward],
  ];

  async function importedAwkward(): Promise<string> {
    const layout = join(directory, 'awkward');
    await writeFiles(layout, layoutFiles([await awkwardImage()]));
    return imported(layout);
  }

  async function pulledAwkward(): Promise<string> {
    // Otherwise nothing of it would have to come.
    await core.running.api.images.prune({ all: true });
    await pushImage(registry, 'team/awkward', layoutFiles([await awkwardImage()]), '1');
    await trust(registry);
    const image = `${registry.address}/team/awkward:1`;
    expect(await pulled(core.remote.images.pull({ reference: image }))).toMatchObject({ upToDate: false });
    return image;
  }

  it.each(sources)('%s, it has the very files that umoci makes of it', async (title, source) => {
    const image = await source();
    const plain = join(directory, `plain ${title}`);
    await writeFiles(plain, layoutFiles([await awkwardImage(true)]));
    const bundle = join(directory, `bundle ${title}`);
    await run('umoci', ['unpack', '--image', `${plain}:latest`, bundle], { maxBuffer: 1 << 26 });

    // What an instance has of its own in every image.
    const skipped = [
      '.fsb-init',
      'dev',
      'proc',
      'sys',
      ...['hosts', 'hostname', 'resolv.conf'].map((name) => `etc/${name}`),
    ];
    const ours = await treeListing(await rootOf(await bench.idle({ image })), skipped);
    const theirs = await treeListing(join(bundle, 'rootfs'), skipped);
    // An overlay counts the names that the layer has, also one that a later layer took away; docker's does, too.
    for (const name of ['links/a/one', 'three']) theirs[name] = theirs[name]!.replace('nlink=2', 'nlink=3');
    // Device nodes of images are left out: an instance has its own.
    delete theirs.null;
    expect(Object.keys(theirs).length).toBeGreaterThan(400);
    expect(ours).toEqual(theirs);
  });
});
