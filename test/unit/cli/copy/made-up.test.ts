import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { packLocal } from '../../../../src/cli/copy/pack-local.ts';

const folder = mkdtempSync(join(tmpdir(), 'fsb-made-up-'));
afterAll(() => rmSync(folder, { recursive: true }));

const packed = (path: string, follow = false): Buffer =>
  Buffer.concat([...packLocal(path, { name: 'x', follow, owners: false, note: () => {}, copied: () => {} })]);

/** Their sizes are 0, or a page: a copy would be empty, or fail half way. */
it.each(['/proc/version', '/sys/kernel/mm/transparent_hugepage/enabled', '/sys/kernel/mm', '/proc/self'])(
  '%s is refused, as what the kernel makes up in a sandbox',
  (path) => {
    const copying = () => packed(path, true);
    expect(copying).toThrow(`cannot copy ${path}: the kernel makes up what is in it`);
    expect(copying).toThrow(expect.objectContaining({ hint: expect.stringContaining(`< ${path}`) }));
  },
);

it('a link to such a file is copied as the link that it is', () => {
  const link = join(folder, 'link');
  symlinkSync('/proc/version', link);
  expect(packed(link).toString('latin1')).toContain('/proc/version');
  expect(() => packed(link, true)).toThrow('the kernel makes up what is in it');
});
