import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateOf } from '../../helpers/core/canary.ts';
import { runGuestTool } from '../../helpers/guest/guest-tool.ts';
import { variants } from '../../helpers/guest/raw-guest.ts';
import { longName, pax, type RawEntry, rawEntry, rawTar } from '../../helpers/image/raw-tar.ts';

/** Archives that nobody honest makes, against tar-in: nothing outside of its directory is reached. */
describe.each(variants)('tar-in (%s)', (variant) => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fsb-hostile-'));
    mkdirSync(join(folder, 'in'));
    mkdirSync(join(folder, 'outside'));
    writeFileSync(join(folder, 'outside/secret'), 'untouched');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const put = (...parts: (RawEntry | Buffer)[]) => putBytes(rawTar(...parts));
  const putBytes = (input: Buffer) => runGuestTool(variant, ['tar-in', join(folder, 'in')], { input });
  const inside = (path: string) => join(folder, 'in', path);
  const link = (name: string, linkname: string): RawEntry => ({ name, type: '2', linkname });

  async function expectHarmless(act: () => Promise<{ code: number | null; stderr: string }>) {
    const before = await stateOf(join(folder, 'outside'));
    const outcome = await act();
    expect(await stateOf(join(folder, 'outside'))).toEqual(before);
    expect(outcome.stderr).not.toMatch(/Sanitizer|runtime error/);
    return outcome;
  }

  it.each<[string, (outside: string) => (RawEntry | Buffer)[]]>([
    ['a name that leads up', () => [{ name: '../outside/secret', content: 'x' }]],
    ['a name that leads up in the middle', () => [{ name: 'a/../../outside/secret', content: 'x' }]],
    ['a pax name that leads up', () => [pax([['path', '../outside/secret']]), { content: 'x' }]],
    ['a long name that leads up', () => [longName('../outside/secret'), { content: 'x' }]],
    ['a link, and a file through it', () => [link('l', '../outside'), { name: 'l/secret', content: 'x' }]],
    ['an absolute link, and a file through it', (at) => [link('l', at), { name: 'l/secret', content: 'x' }]],
    ['a link to a link', (at) => [link('a', at), link('b', 'a'), { name: 'b/secret', content: 'x' }]],
    ['a link, and a directory in its place', (at) => [link('l', at), { name: 'l', type: '5', mode: 0o777 }]],
    ['a hard link out', () => [{ name: 'h', type: '1', linkname: '../outside/secret' }]],
    ['a hard link through a link', (at) => [link('l', at), { name: 'h', type: '1', linkname: 'l/secret' }]],
    ['a hard link to nothing', () => [{ name: 'h', type: '1', linkname: 'nothing' }]],
    ['an unknown kind', () => [{ name: 'f', type: 'Z' }]],
    ['a sparse file of GNU', () => [{ name: 'f', type: 'S' }]],
    ['a sparse file of pax', () => [pax([['GNU.sparse.major', '1']]), { name: 'f' }]],
    ['a negative size', () => [{ name: 'f', size: Buffer.alloc(12, 0xff) }]],
    ['a size that is no number', () => [{ name: 'f', size: Buffer.from('zzzz') }]],
    ['a size without end', () => [pax([['size', '99999999999999999999']]), { name: 'f' }]],
    ['an extended header without end', () => [{ name: 'x', type: 'x', size: 2 ** 31 }]],
    ['a damaged extended header', () => [{ name: 'x', type: 'x', content: '99 path=x\n' }, { name: 'f' }]],
    ['an extended header with a NUL', () => [pax([['path', 'a\0b']]), { name: 'f' }]],
    ['a name of 5000 bytes', () => [pax([['path', 'a/'.repeat(2500)]]), { name: 'f' }]],
    ['a file that is cut', () => [{ name: 'f', size: 10_000, content: 'x' }]],
    ['an end behind an extended header', () => [pax([['path', 'x']])]],
    ['a user that means none', () => [pax([['uid', '4294967295']]), { name: 'f' }]],
  ])('refuses %s', async (_, parts) => {
    const outcome = await expectHarmless(() => put(...parts(join(folder, 'outside'))));
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).not.toBe('');
  });

  it('takes nothing away for what it then refuses', async () => {
    writeFileSync(inside('f'), 'mine');
    expect((await put({ name: 'f', type: 'Z' })).code).toBe(1);
    expect(readFileSync(inside('f'), 'utf8')).toBe('mine');
  });

  it('takes an absolute name for one below its directory', async () => {
    const name = join(folder, 'outside/secret');
    const { code } = await expectHarmless(() => put({ name, content: 'x' }));
    expect(code).toBe(0);
    expect(readFileSync(inside(name), 'utf8')).toBe('x');
  });

  // The emulator of Debian 12 knows no openat2, without which every link is refused.
  const refused = variant === 'emulated';
  const unknown = refused ? ' (skipped: qemu-user knows no openat2)' : '';
  it.skipIf(refused)(
    `follows a link that stays inside, as docker does, and takes an absolute one for such${unknown}`,
    async () => {
      mkdirSync(inside('real'));
      symlinkSync('real', inside('near'));
      symlinkSync('/real', inside('far'));
      expect(await put({ name: 'near/a', content: 'a' }, { name: 'far/b', content: 'b' })).toMatchObject({
        code: 0,
      });
      expect([readFileSync(inside('real/a'), 'utf8'), readFileSync(inside('real/b'), 'utf8')]).toEqual([
        'a',
        'b',
      ]);
    },
  );

  it('replaces a link by a file, and never writes through it', async () => {
    symlinkSync('../outside/secret', inside('f'));
    const { code } = await expectHarmless(() => put({ name: 'f', content: 'x' }));
    expect(code).toBe(0);
    expect(lstatSync(inside('f')).isFile()).toBe(true);
  });

  it('never makes a directory of anything else, nor the other way round', async () => {
    mkdirSync(inside('d'));
    writeFileSync(inside('f'), 'f');
    const refused = (what: string) => ({ code: 1, stderr: `cannot overwrite ${what}\n` });
    expect(await put({ name: 'd' })).toMatchObject(refused('directory with non-directory d'));
    expect(await put(link('d', 'x'))).toMatchObject(refused('directory with non-directory d'));
    expect(await put({ name: 'f', type: '5' })).toMatchObject(refused('non-directory with directory f'));
    expect(readFileSync(inside('f'), 'utf8')).toBe('f');
  });

  it('leaves out devices, and says so', async () => {
    const device = { name: 'null', type: '3', devices: [1, 3] as [number, number] };
    expect(await put(device, { name: 'f' })).toMatchObject({ code: 0, stderr: 'left out device null\n' });
    expect([existsSync(inside('null')), existsSync(inside('f'))]).toEqual([false, true]);
  });

  it('leaves no half of a file behind', async () => {
    await putBytes(rawEntry({ name: 'f', size: 10_000, content: 'x' }));
    expect(existsSync(inside('f'))).toBe(false);
  });

  it('keeps what its own directory has, and takes an empty archive', async () => {
    const before = lstatSync(join(folder, 'in')).mode;
    expect(await put({ name: './', type: '5', mode: 0o777 })).toMatchObject({ code: 0 });
    expect(lstatSync(join(folder, 'in')).mode).toBe(before);
    expect(await putBytes(Buffer.alloc(0))).toMatchObject({ code: 0 });
    expect(await putBytes(Buffer.from('this is no tar at all'))).toMatchObject({ code: 1 });
  });
});
