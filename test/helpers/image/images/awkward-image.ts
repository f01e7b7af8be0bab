import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { busyboxImage } from '../busybox-image.ts';
import { ociMediaTypes, type TestEntry, type TestImage, tarOf } from '../image-files.ts';

/** Small layers on top of the others: about as many as an overlay may have in the wild. */
const SMALL_LAYERS = 112;

const directory = (name: string, more: Partial<TestEntry> = {}): TestEntry => ({
  ...{ name: `${name}/`, type: 'directory' },
  ...more,
});
const symlink = (name: string, linkname: string): TestEntry => ({
  name,
  type: 'symlink',
  linkname,
  mode: 0o777,
});
const link = (name: string, linkname: string): TestEntry => ({ name, type: 'link', linkname });
/** An entry's own attribute: the value is text, of which one byte is one character. */
const withXattr = (entry: TestEntry, name: string, value: string): TestEntry => ({
  ...entry,
  pax: { ...entry.pax, [`SCHILY.xattr.${name}`]: value },
});

/** cap_net_bind_service=ep, as the kernel keeps it: version 2, effective, little-endian. */
const NET_BIND = `\x01\0\0\x02\0\x04\0\0${'\0'.repeat(12)}`;
const LONG = `long/${'directory-of-a-long-name/'.repeat(8)}${'n'.repeat(200)}`;

/** The names that all later layers do something to, each beside one that stays. */
const NAMES = ['file', 'dir', 'link', 'removed', 'removed-dir', 'opaque', 'kept'];
const KINDS = ['to-file', 'to-dir', 'to-link'];

async function base(): Promise<Buffer> {
  return tarOf([
    ...NAMES.map((name) => directory(name)),
    ...KINDS.flatMap((kind) => [
      { name: `file/${kind}`, content: 'was a file' },
      directory(`dir/${kind}`),
      { name: `dir/${kind}/inside`, content: 'of a directory' },
      symlink(`link/${kind}`, '../kept'),
    ]),
    { name: 'removed/file', content: 'gone' },
    { name: 'removed/stays', content: 'stays' },
    directory('removed-dir/deep'),
    { name: 'removed-dir/deep/file', content: 'gone' },
    { name: 'opaque/old', content: 'gone' },
    directory('opaque/old-dir'),
    { name: 'opaque/old-dir/file', content: 'gone' },
    { name: 'opaque/both', content: 'old' },
    { name: 'kept/file', content: 'kept', uid: 1000, gid: 100, mode: 0o640 },
    { name: 'kept/empty', content: '' },
    { name: 'kept/large', content: Buffer.alloc(3_000_001, 'abc') },
    { name: 'setuid', content: '#!', mode: 0o4755 },
    { name: 'setgid', content: '#!', mode: 0o2755, gid: 42 },
    { name: 'setuid-other', content: '#!', mode: 0o6711, uid: 1000, gid: 1000 },
    directory('sticky', { mode: 0o1777 }),
    { name: 'locked', content: 'x', mode: 0o001 },
    { name: 'fifo', type: 'fifo', mode: 0o600 },
    { name: 'null', type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666 },
    withXattr({ name: 'xattr', content: 'x' }, 'user.some', 'value with spaces = and ü'),
    withXattr(directory('xattr-dir'), 'user.other', 'of a directory'),
    withXattr({ name: 'capable', content: 'x', mode: 0o755 }, 'security.capability', NET_BIND),
    { name: LONG, content: 'long' },
    { name: 'ünïcödé/日本語/🦀.txt', content: 'unicode' },
    { name: ' leading and trailing ', content: 'spaces' },
    { name: 'new\nline', content: 'newline' },
    directory('links/a'),
    directory('links/b'),
    { name: 'links/a/one', content: 'three names' },
    link('links/b/two', 'links/a/one'),
    link('three', 'links/b/two'),
    symlink('dangling', '/no/such/thing'),
    symlink('absolute', '/kept/file'),
  ]);
}

/** Everything that was one thing is another now. */
async function replacements(): Promise<Buffer> {
  const kinds = (name: string): TestEntry[] => [
    { name: `${name}/to-file`, content: `${name} to file` },
    directory(`${name}/to-dir`, { mode: 0o700 }),
    { name: `${name}/to-dir/new`, content: 'new' },
    symlink(`${name}/to-link`, 'elsewhere'),
  ];
  return tarOf(['file', 'dir', 'link'].flatMap(kinds));
}

async function removals(): Promise<Buffer> {
  return tarOf([
    { name: 'removed/.wh.file' },
    { name: '.wh.removed-dir' },
    { name: 'kept/.wh.never-was' },
    // Also after what it must not hide: the order says nothing.
    { name: 'opaque/both', content: 'new' },
    { name: 'opaque/.wh..wh..opq' },
    { name: 'opaque/new', content: 'new' },
    // One name of three goes, the others stay one file; of which an overlay still counts all names of the layer.
    { name: 'links/b/.wh.two' },
  ]);
}

/** What was removed comes back, and only that. */
async function returns(): Promise<Buffer> {
  return tarOf([
    directory('removed-dir', { mode: 0o711 }),
    { name: 'removed-dir/new', content: 'new' },
    { name: 'removed/file', content: 'again' },
    directory('opaque', { mode: 0o750, uid: 7 }),
  ]);
}

/** Files with holes, as GNU tar stores them: data in the middle, at the end, and none at all. */
function sparse(): Buffer {
  const root = mkdtempSync(join(tmpdir(), 'fsb-sparse-'));
  try {
    for (const name of ['middle', 'end', 'nothing']) writeFileSync(join(root, name), '');
    writeFileSync(join(root, 'end'), Buffer.concat([Buffer.alloc(1 << 20), Buffer.from('end')]));
    writeFileSync(join(root, 'middle'), Buffer.concat([Buffer.alloc(1 << 20), Buffer.alloc(4096, 'middle')]));
    for (const name of ['middle', 'nothing']) truncateSync(join(root, name), 3 << 20);
    const owner = ['--owner=0', '--group=0', '--mode=644', '--mtime=@1600000000', '--sort=name'];
    const words = ['-S', '--hole-detection=raw', '--format=posix', ...owner, '--transform=s,^,sparse/,'];
    const names = ['end', 'middle', 'nothing'];
    return execFileSync('tar', ['-C', root, ...words, '-c', ...names], { maxBuffer: 1 << 26 });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function smallLayers(): Promise<Buffer[]> {
  const numbers = Array.from({ length: SMALL_LAYERS }, (_, number) => number);
  return Promise.all(
    numbers.map((number) =>
      tarOf([
        { name: `many/${number}`, content: String(number), uid: number },
        { name: 'many/last', content: String(number) },
        ...(number % 10 === 9 ? [{ name: `many/.wh.${number - 5}` }] : []),
      ]),
    ),
  );
}

const zstd = (layer: Buffer): Buffer =>
  execFileSync('zstd', ['-q', '-c'], { input: layer, maxBuffer: 1 << 28 });

/** How a layer may be stored, and what that is called. */
const STORED: [string, (layer: Buffer) => Buffer][] = [
  [ociMediaTypes.layer, (layer) => gzipSync(layer)],
  ['application/vnd.oci.image.layer.v1.tar+zstd', zstd],
  ['application/vnd.oci.image.layer.v1.tar', (layer) => layer],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', (layer) => gzipSync(layer)],
];

/**
 * An image of all that is hard to unpack, on busybox; its layers are stored in every way there is.
 * @param plainly the same, with nothing but gzip layers, for tools that know no other
 */
export async function awkwardImage(plainly = false): Promise<TestImage> {
  const [programs, accounts] = (await busyboxImage()).layers as [Buffer, Buffer];
  const empty = await tarOf([]);
  const twice = await tarOf([directory('twice'), { name: 'twice/file', content: 'twice' }]);
  const rest = [
    await base(),
    await replacements(),
    empty,
    twice,
    await removals(),
    twice,
    empty,
    await returns(),
    sparse(),
  ];
  const layers = [programs, accounts, ...rest, ...(await smallLayers())];
  // Small layers are not worth a zstd process each.
  const storage = (index: number) =>
    STORED[plainly || index > layers.length - SMALL_LAYERS + 8 ? 0 : index % 4]!;
  return {
    ...{ name: 'docker.io/library/awkward:test', refName: 'latest', config: { Cmd: ['sh'] }, layers },
    compress: (layer, index) => storage(index)[1](layer),
    layerMediaType: (index) => storage(index)[0],
  };
}
