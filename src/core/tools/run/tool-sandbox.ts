import type { PoolApi } from '../../api/pool-api.ts';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { ProcessSession } from '../../model/process.ts';

export interface ToolProcess {
  argv: string[];
  env?: Record<string, string>;
  /** Absolute; created when missing. Default: the working directory of the sandbox's tools. */
  cwd?: string;
  /** False: it reads end-of-file at once. */
  stdin: boolean;
}

/** What a tool may do with the sandbox that it was lent. */
export interface ToolSandbox {
  /** @throws command_not_found, not_executable, not_found (the sandbox is gone), cancelled */
  exec(process: ToolProcess, options?: CallOptions): Promise<ProcessSession>;
  /** SIGKILL to everything that runs in it, daemons with a session of their own too. @throws not_found */
  killAll(): Promise<void>;
}

/** The sandbox behind a lease. */
export function leasedSandbox(
  pools: Pick<PoolApi, 'exec' | 'kill'>,
  lease: string,
  workingDirectory: string,
): ToolSandbox {
  return {
    exec: ({ argv, env = {}, cwd = workingDirectory, stdin }, options) =>
      pools.exec(lease, { argv, env, cwd, user: '', tty: false, stdin }, options),
    killAll: () => pools.kill(lease),
  };
}

/**
 * Starts the first of several programs that the image has: `python3`, else `python`.
 * @throws command_not_found that names all of them
 */
export async function execFirst(
  sandbox: ToolSandbox,
  programs: readonly string[],
  process: Omit<ToolProcess, 'argv'> & { args: readonly string[] },
  options?: CallOptions,
): Promise<ProcessSession> {
  const { args, ...rest } = process;
  for (const program of programs) {
    try {
      return await sandbox.exec({ ...rest, argv: [program, ...args] }, options);
    } catch (error) {
      if (FsbError.from(error).code !== 'command_not_found') throw error;
    }
  }
  throw new FsbError('command_not_found', `the image of this sandbox has no ${programs.join(' and no ')}`, {
    hint: 'Use an image that has it.',
  });
}
