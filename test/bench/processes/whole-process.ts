import { spawn } from 'node:child_process';
import { type Figures, figures, type Samples, sample } from '../figures/stats.ts';

export interface WholeProcessOptions {
  runs: number;
  env: NodeJS.ProcessEnv;
  budget?: string;
}

type Command = [command: string, ...args: string[]];

/** Times a whole process from spawn to exit. Output is thrown away; a non-zero exit is a failure. */
export async function wholeProcess(
  name: string,
  command: Command,
  options: WholeProcessOptions,
): Promise<Figures> {
  const { runs, env, budget } = options;
  const once = async (): Promise<undefined> => void (await run(command, env));
  await once().catch(() => {});
  return figures(name, await sample(runs, once), { budget });
}

export interface Contender {
  name: string;
  command: Command;
  env: NodeJS.ProcessEnv;
  budget?: string | undefined;
}

/** The same of several that are compared with each other: they run in turn, so that whatever slows the machine down meanwhile slows all of them. */
export async function inTurn(contenders: readonly Contender[], runs: number): Promise<Figures[]> {
  const found = contenders.map((): Samples => ({ samples: [], failures: 0 }));
  for (let round = -1; round < runs; round++)
    for (const [index, { command, env }] of contenders.entries()) {
      const one = await sample(1, async () => void (await run(command, env)));
      // The first one loads what the others find.
      if (round < 0) continue;
      found[index]!.samples.push(...one.samples);
      found[index]!.failures += one.failures;
    }
  return contenders.map(({ name, budget }, index) =>
    figures(name, found[index]!, { ...(budget && { budget }) }),
  );
}

/** Two rows: the whole process, and from its spawn to the first byte that it says. */
export async function withFirstByte(
  name: string,
  command: Command,
  options: WholeProcessOptions,
): Promise<Figures[]> {
  const { runs, env } = options;
  const firstBytes: number[] = [];
  await run(command, env).catch(() => {});
  const whole = await sample(runs, async () => {
    const begin = performance.now();
    await run(command, env, () => firstBytes.push(performance.now() - begin));
    return undefined;
  });
  return [
    figures(`${name}, whole process`, whole),
    figures(`${name}, spawn to first byte`, { samples: firstBytes, failures: whole.failures }),
  ];
}

/** @param firstByte is called once, at the first byte on standard output */
function run([command, ...args]: Command, env: NodeJS.ProcessEnv, firstByte?: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', firstByte ? 'pipe' : 'ignore', 'ignore'] });
    if (firstByte) child.stdout!.once('data', firstByte).resume();
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.join(' ')} exited with ${code}`)),
    );
  });
}
