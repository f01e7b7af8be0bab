import { expect, it } from 'vitest';
import { guestDirectory } from '../../../../src/cli/local/guest-directory.ts';

it('has programs for x64 and arm64', () => {
  expect(guestDirectory('/opt/fsb-ctl', 'x64')).toBe('/opt/fsb-ctl/guest/build/linux-x64');
  expect(guestDirectory('/opt/fsb-ctl', 'arm64')).toBe('/opt/fsb-ctl/guest/build/linux-arm64');
});

it('says on another machine that it has none, and what still works there', () => {
  expect(() => guestDirectory('/opt/fsb-ctl', 'riscv64')).toThrow(
    expect.objectContaining({
      code: 'unsupported',
      message: 'fsb-ctl has no programs for sandboxes on riscv64',
      hint: 'A core runs on x64 and arm64; from here you can use one elsewhere: see --host.',
    }),
  );
});
