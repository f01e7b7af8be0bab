import type { World } from '../terminal/world.ts';

/** Where this command line runs, as far as it matters on the way to a core. */
export interface Here extends Pick<World, 'env' | 'cwd' | 'terminal' | 'events' | 'version'> {
  /** Where the package is installed. */
  packageRoot: string;
}
