import { stat } from 'node:fs/promises';
import { makePrivateDirectory } from '../../../../core/root/private-directory.ts';
import type { Fault, FindFaults } from './fault.ts';

/** Those of the core that are missing, or open to others. */
export const missingDirectories: FindFaults = async ({ paths }) => {
  const faults: Fault[] = [];
  for (const directory of new Set([paths.state, paths.run])) {
    const found = await stat(directory).catch(() => undefined);
    const fix = async (): Promise<void> => makePrivateDirectory(directory);
    if (found === undefined) faults.push({ remedy: `make the directory ${directory}`, usual: true, fix });
    else if (found.isDirectory() && (found.mode & 0o077) !== 0)
      faults.push({ remedy: `close the directory ${directory} to other users`, fix });
  }
  return faults;
};
