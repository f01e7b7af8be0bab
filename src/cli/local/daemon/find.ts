import { resolve } from 'node:path';
import { corePaths } from '../../../core/model/paths.ts';
import type { World } from '../../terminal/world.ts';
import type { LocalCore } from './local-core.ts';

/** The core of this machine, or of the directory that `--root` names. */
export function localCore(world: Pick<World, 'env' | 'cwd'>, packageRoot: string, root?: string): LocalCore {
  const wanted = root ?? world.env.FSB_ROOT;
  // Absolute from here on: the core is started in another directory.
  const env = wanted ? { ...world.env, FSB_ROOT: resolve(world.cwd, wanted) } : world.env;
  return { paths: corePaths(env, process.getuid?.() ?? -1), packageRoot, env };
}
