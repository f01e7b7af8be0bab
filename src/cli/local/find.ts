import { resolve } from 'node:path';
import { corePaths } from '../../core/model/paths.ts';
import type { World } from '../world.ts';
import type { LocalCore } from './local-core.ts';

/** The core of this machine, or of the directory that `--root` names. */
export function localCore(world: World, packageRoot: string, root?: string): LocalCore {
  const env = root === undefined ? world.env : { ...world.env, FSB_ROOT: resolve(world.cwd, root) };
  return { paths: corePaths(env, process.getuid?.() ?? -1), packageRoot, env };
}
