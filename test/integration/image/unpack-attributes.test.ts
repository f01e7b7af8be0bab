import { execFile } from 'node:child_process';
import { lstat, mkdir, open, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Launch } from '../../../src/core/image/launch.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { Launcher } from '../../../src/core/runtime/oci/launcher/launcher.ts';
import { longName, pax, rawTar } from '../../helpers/image/raw-tar.ts';
import { attributesOf, useUnpackFixture } from '../../helpers/image/unpack-fixture.ts';

const layer = useUnpackFixture();
const run = promisify(execFile);
let source: string;

beforeEach(async () => {
  source = join(layer.directory, 'source');
  await mkdir(source);
});

/** Unpacks what GNU tar says of `source`. */
async function roundTrip(...options: string[]): Promise<void> {
  const file = join(layer.directory, 'made.tar');
  const format = options.includes('--format=gnu') ? [] : ['--format=posix', '--xattrs', '--xattrs-include=*'];
  await run('tar', [...format, ...options, '-C', source, '-cf', file, '.']);
  await layer.clear();
  await layer.unpackBytes(await readFile(file));
}

const nanoseconds = async (path: string): Promise<bigint> => (await lstat(path, { bigint: true })).mtimeNs;

describe('what GNU tar writes', () => {
  it('extended attributes, file capabilities and ACLs, byte by byte', async () => {
    await writeFile(join(source, 'f'), '');
    await mkdir(join(source, 'd'));
    await run('setcap', ['cap_net_raw,cap_setfcap,cap_checkpoint_restore=ep', join(source, 'f')]);
    await run('setfattr', ['-n', 'user.binary', '-v', '0xff00fe0a', join(source, 'f')]);
    await run('setfattr', ['-n', 'user.of-directory', '-v', 'x', join(source, 'd')]);
    // user::rwx user:7:r-x group::r-x mask::r-x other::---
    const acl = '0x0200000001000700ffffffff020005000700000004000500ffffffff10000500ffffffff20000000ffffffff';
    for (const kind of ['access', 'default'])
      await run('setfattr', ['-n', `system.posix_acl_${kind}`, '-v', acl, join(source, 'd')]);
    const before = await Promise.all(['f', 'd'].map((name) => attributesOf(join(source, name))));
    await roundTrip();
    expect(await Promise.all(['f', 'd'].map((name) => attributesOf(join(layer.root, name))))).toEqual(before);
    expect(before.map((one) => Object.keys(one).length)).toEqual([2, 3]);
    expect((await lstat(join(layer.root, 'd'))).mode).toBe((await lstat(join(source, 'd'))).mode);
  });

  it('times to the microsecond, also of symbolic links and directories', async () => {
    const time = '@1234567890.123456789';
    await writeFile(join(source, 'f'), '');
    await symlink('f', join(source, 'link'));
    await mkdir(join(source, 'whole'));
    await run('touch', ['-h', '-d', time, join(source, 'f'), join(source, 'link')]);
    await mkdir(join(source, 'd'));
    await run('touch', ['-d', time, join(source, 'd')]);
    await utimes(join(source, 'whole'), 5, 5);
    await roundTrip();
    for (const name of ['f', 'link', 'd'])
      expect((await nanoseconds(join(layer.root, name))) / 1000n).toBe(1234567890123456n);
    expect(await nanoseconds(join(layer.root, 'whole'))).toBe(5_000_000_000n);
  });

  it.each([
    ['gnu', ['--format=gnu']],
    ['0.0', ['--sparse-version=0.0']],
    ['0.1', ['--sparse-version=0.1']],
    ['1.0', ['--sparse-version=1.0']],
  ])('sparse files in the form %s', async (_form, options) => {
    const path = join(source, 'd'.repeat(90), 's'.repeat(60));
    await mkdir(join(path, '..'));
    const file = await open(path, 'w');
    for (let i = 0; i < 40; i++) await file.write(`piece ${i}`, i * 40_000 + 12_345);
    await file.truncate(2_000_000);
    await file.close();
    await roundTrip('--sparse', ...options);
    const copy = join(layer.root, 'd'.repeat(90), 's'.repeat(60));
    // Not toEqual(): it compares byte by byte, for minutes.
    expect((await readFile(copy)).equals(await readFile(path))).toBe(true);
    expect((await lstat(copy)).blocks).toBeLessThan(1000);
  });

  it('devices when they are wanted, FIFOs always, and hard links to both', async () => {
    await run('mkfifo', ['-m', '640', join(source, 'pipe')]);
    await run('mknod', ['-m', '666', join(source, 'null'), 'c', '1', '3']);
    await run('mknod', [join(source, 'disk'), 'b', '8', '17']);
    await run('ln', [join(source, 'pipe'), join(source, 'pipe2')]);
    await run('touch', ['-d', '@1000.5', join(source, 'pipe')]);
    await roundTrip();
    const pipe = await lstat(join(layer.root, 'pipe'));
    expect([pipe.isFIFO(), pipe.mode & 0o7777, pipe.mtimeMs]).toEqual([true, 0o640, 1_000_500]);
    expect((await lstat(join(layer.root, 'pipe2'))).isFIFO()).toBe(true);
    await expect(lstat(join(layer.root, 'null'))).rejects.toThrow('ENOENT');
    await layer.clear();
    await layer.unpackBytes(await readFile(join(layer.directory, 'made.tar')), { devices: true });
    const disk = await lstat(join(layer.root, 'disk'));
    expect([disk.isBlockDevice(), disk.rdev]).toEqual([true, 0x811]);
  });

  it('a link to a FIFO that stands where another one stood, and one to a symbolic link', async () => {
    const fifo = { name: 'd/pipe', type: '6' };
    const tar = rawTar(
      fifo,
      { name: 'b', type: '1', linkname: 'd/pipe' },
      fifo,
      { name: 'a', type: '1', linkname: 'd/pipe' },
      { name: 'link', type: '2', linkname: 'd/pipe' },
      { name: 'same', type: '1', linkname: 'link' },
    );
    await layer.unpackBytes(tar);
    const [pipe, a, b] = await Promise.all(['d/pipe', 'a', 'b'].map((name) => lstat(join(layer.root, name))));
    expect([a!.ino === pipe!.ino, b!.ino === pipe!.ino, b!.isFIFO()]).toEqual([true, false, true]);
    const [link, same] = await Promise.all(['link', 'same'].map((name) => lstat(join(layer.root, name))));
    expect([same!.isSymbolicLink(), same!.ino]).toEqual([true, link!.ino]);
  });
});

describe('attributes', () => {
  const marked = pax([
    ['SCHILY.xattr.user.a', 'x'],
    ['mtime', '7.5'],
  ]);

  it('are those of the last entry of a name', async () => {
    await layer.unpackBytes(rawTar(marked, {}, pax([['SCHILY.xattr.user.b', 'y']]), {}));
    expect(await attributesOf(join(layer.root, 'f'))).toEqual({ 'user.b': '79' });
  });

  it('of a file that was replaced are gone, and do not follow a link in its place', async () => {
    const name = join(layer.outside, 'secret');
    const parts = [marked, { name: 'd/f' }, longName(layer.outside, 'K'), { name: 'd', type: '2' }];
    await layer.unpackBytes(rawTar(...parts, marked, {}, longName(name, 'K'), { type: '2' }));
    expect(await attributesOf(name)).toEqual({});
  });

  it('stay when only another name of the file is left', async () => {
    await layer.unpackBytes(rawTar(marked, {}, { name: 'g', type: '1', linkname: 'f' }, { content: 'new' }));
    expect(await attributesOf(join(layer.root, 'g'))).toEqual({ 'user.a': '78' });
    expect(await nanoseconds(join(layer.root, 'g'))).toBe(7_500_000_000n);
    expect(await attributesOf(join(layer.root, 'f'))).toEqual({});
  });

  it('that a thing cannot have are left out, as docker does', async () => {
    await layer.unpackBytes(rawTar(marked, { type: '2', linkname: 'x' }));
    expect(await nanoseconds(join(layer.root, 'f'))).toBe(7_500_000_000n);
  });

  it('that the file system has no room for are an error that names them', async () => {
    const large = pax([['SCHILY.xattr.user.large', 'x'.repeat(60_000)]]);
    const outcome = await layer.unpackBytes(rawTar(large, {})).catch((error: Error) => error);
    // Some file systems have the room.
    if (outcome instanceof Error) expect(outcome.message).toContain('set attribute user.large of f');
    else expect(Object.keys(await attributesOf(join(layer.root, 'f')))).toEqual(['user.large']);
  });

  const acl = Buffer.from('0200000001000700ffffffff04000500ffffffff20000000ffffffff', 'hex');

  it('a default ACL on what is no directory is left out', async () => {
    const header = pax([
      ['SCHILY.xattr.system.posix_acl_default', acl],
      ['SCHILY.xattr.user.a', 'x'],
    ]);
    await layer.unpackBytes(rawTar(header, {}, header, { name: 'd', type: '5' }));
    expect(await attributesOf(join(layer.root, 'f'))).toEqual({ 'user.a': '78' });
    expect(Object.keys(await attributesOf(join(layer.root, 'd')))).toContain('system.posix_acl_default');
  });

  it.each(['security.capability', 'system.posix_acl_access', 'system.posix_acl_default'])(
    'that are malformed are the fault of the image: %s',
    async (name) => {
      const header = pax([[`SCHILY.xattr.${name}`, 'x']]);
      await expect(layer.unpackBytes(rawTar(header, { name: 'd/odd' }))).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining(`set attribute ${name} of d/odd`),
      });
    },
  );

  it('need fsb-launch: without it nothing passes as whole', async () => {
    const launcher = new Launcher('/no/fsb-launch', systemClock);
    const launch: Launch = (words, options) => launcher.run(words, options);
    const unpacked = layer.unpackBytes(rawTar({ name: '.wh.gone' }), { launch });
    await expect(unpacked).rejects.toThrow('/no/fsb-launch');
  });
});
