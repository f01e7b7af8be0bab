import { join } from 'node:path';
import type { CorePaths } from '../../../core/model/paths.ts';
import { guestDirectory } from '../guest-directory.ts';

/** The core of this machine. */
export interface LocalCore {
  paths: CorePaths;
  /** Where the package is installed: `bin/run.js` and the guest binaries are below it. */
  packageRoot: string;
  env: NodeJS.ProcessEnv;
}

/** What does for a process of node what node cannot: holds locks, closes what was inherited. */
export const launchBinary = (packageRoot: string): string => join(guestDirectory(packageRoot), 'fsb-launch');
