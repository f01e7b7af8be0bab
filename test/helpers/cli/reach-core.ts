import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { killCoreOf, startDistantCore } from '../core/network/distant-core.ts';
import { transport } from './transports.ts';

/** How the command lines of a test come to its core. */
export interface Reach {
  /** What they find in their environment. */
  env: { FSB_ROOT: string } & NodeJS.ProcessEnv;
  /** SIGKILL to the core; another one is there for whoever comes next. @param meanwhile is done while there is none */
  killCore(meanwhile?: () => Promise<void>): Promise<void>;
  /** In order: it stops, and another one is there as after a kill. */
  restartCore(): Promise<void>;
  /** What listens at 127.0.0.1:port here can be reached under that name by the core, too. */
  lend(port: number): Promise<void>;
  /** Ends what was started here. */
  close(): Promise<void>;
}

const nothing = async (): Promise<void> => {};

/** A core on this root, over the transport under test. */
export async function reachCore(binary: string, root: string, env: NodeJS.ProcessEnv): Promise<Reach> {
  const local = {
    async killCore(meanwhile = nothing) {
      await killCoreOf(root);
      await meanwhile();
    },
    async restartCore() {
      await promisify(execFile)(binary, ['daemon', 'stop', '--root', root], { env });
    },
    lend: nothing,
    close: nothing,
  };
  if (transport === 'unix') return { ...local, env: { FSB_ROOT: root } };
  if (transport === 'embedded') return { ...local, env: { FSB_ROOT: root, FSB_HOST: 'embedded:' } };
  const core = await startDistantCore(root, [], env);
  return {
    // Nothing here leads to that core but its address.
    env: { ...core.env, FSB_ROOT: join(root, 'here') },
    async killCore(meanwhile = nothing) {
      await core.kill();
      await meanwhile();
      await core.start();
    },
    async restartCore() {
      await core.stop();
      await core.start();
    },
    lend: core.lend,
    close: core.close,
  };
}
