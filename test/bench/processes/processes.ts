import { setTimeout as delay } from 'node:timers/promises';
import { binary, startBenchCore } from '../core/bench-core.ts';
import { createPool } from '../core/bench-pool.ts';
import type { Figures } from '../figures/stats.ts';
import { dockerBox } from './docker-box.ts';
import { type Contender, inTurn, wholeProcess } from './whole-process.ts';

/** Whole processes of the command line, from spawn to exit, next to node itself. */
export async function processGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore();
  await createPool(core, 'warm', 4, 16);
  const { env } = core;
  const runs = Math.ceil(40 * scale);
  await core.api.sandboxes.create({
    ...{ namespace: 'default', name: 'process' },
    spec: { image: 'host', args: ['sleep', '600'], pool_ref: 'warm' },
  });
  // What the pools still boot would take the processor from the first figures.
  await delay(3_000);
  const fsb = (name: string, args: string[], budget?: string): Promise<Figures> =>
    wholeProcess(`process: fsb-ctl ${name}`, [binary, ...args], { runs, env, budget });
  return [
    await wholeProcess('process: node -e 0', [process.execPath, '-e', '0'], { runs, env }),
    await fsb('--version', ['--version'], '2.5 x node -e 0'),
    await fsb('list', ['list'], '3 x node -e 0'),
    ...(await execRows('process', env, runs)),
    await fsb('pool run (true)', ['pool', 'run', '--pool', 'warm', '--image', 'host', '--', 'true']),
    await fsb('run --rm (true)', ['run', 'once', '--rm', '--image', 'host', '--pool', 'warm', '--', 'true']),
  ];
}

/** `exec` in a sandbox and in a container of docker, in turn. */
async function execRows(sandbox: string, env: NodeJS.ProcessEnv, runs: number): Promise<Figures[]> {
  const { FSB_ROOT: _, ...clean } = env;
  await using docker = await dockerBox(clean);
  const theirs = 'docker exec (true), whole process';
  const contenders: Contender[] = [
    {
      ...{ name: 'process: fsb-ctl exec (true)', budget: `1 x ${theirs}`, env },
      command: [binary, 'exec', sandbox, 'true'],
    },
  ];
  if (docker !== undefined)
    contenders.push({
      ...{ name: theirs, env: docker.env },
      command: ['docker', 'exec', docker.name, '/busybox', 'true'],
    });
  return await inTurn(contenders, runs);
}
