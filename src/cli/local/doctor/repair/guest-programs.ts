import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { FsbError } from '../../../../core/model/failure/errors.ts';
import { guestDirectory } from '../../guest-directory.ts';
import type { FindFaults } from './fault.ts';

/** fsb-init and fsb-launch, where they are missing and their sources are here. */
export const missingGuestPrograms: FindFaults = async ({ packageRoot }) => {
  const guest = join(packageRoot, 'guest');
  const directory = guestDirectory(packageRoot);
  const programs = ['fsb-init', 'fsb-launch'].map((name) => join(directory, name));
  const there = await Promise.all(programs.map((file) => isThere(file, constants.X_OK)));
  if (there.every(Boolean) || !(await isThere(join(guest, 'Makefile')))) return [];
  return [{ remedy: `build the guest programs in ${guest}`, fix: (signal) => build(guest, signal) }];
};

const isThere = (file: string, mode?: number): Promise<boolean> =>
  access(file, mode).then(
    () => true,
    () => false,
  );

function build(guest: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('make', ['-s', '-C', guest], { signal }, (error, _, stderr) => {
      if (error === null) return resolve();
      const reason = stderr.trim().split('\n').at(-1) || error.message;
      reject(
        new FsbError('run_failed', `make failed: ${reason}`, {
          hint: 'It needs make and a C compiler: apt-get install make gcc libc6-dev',
          cause: error,
        }),
      );
    });
  });
}
