import type { World } from './world.ts';

/** The environment for programs that are started here: without the token, which is for us alone. */
export function childEnvironment({ FSB_TOKEN: _, ...rest }: World['env']): NodeJS.ProcessEnv {
  return rest as NodeJS.ProcessEnv;
}
