import { spawn, spawnSync } from 'node:child_process';
import { type Figures, figures, sample } from './stats.ts';

/** Times a whole process from spawn to exit. Output is thrown away; a non-zero exit is a failure. */
export async function wholeProcess(
  name: string,
  [command, ...args]: [string, ...string[]],
  options: { runs: number; env: NodeJS.ProcessEnv; budget?: string },
): Promise<Figures> {
  const once = (): Promise<undefined> =>
    new Promise((resolve, reject) => {
      const child = spawn(command, args, { env: options.env, stdio: 'ignore' });
      child.once('error', reject);
      child.once('exit', (code) =>
        code === 0 ? resolve(undefined) : reject(new Error(`${name} exited with ${code}`)),
      );
    });
  await once().catch(() => {});
  const { samples, failures } = await sample(options.runs, once);
  return figures(name, samples, { failures, ...(options.budget ? { budget: options.budget } : {}) });
}

/** True when a Docker engine answers. */
export function dockerRuns(): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0;
}
