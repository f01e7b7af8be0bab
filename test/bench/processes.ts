import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchCore, binary } from './bench-core.ts';
import type { Figures } from './stats.ts';
import { dockerRuns, wholeProcess } from './whole-process.ts';

/** Whole processes, from spawn to exit, next to node itself, runc and docker. */
export async function processCases(core: BenchCore, scale: number): Promise<Figures[]> {
  const runs = Math.ceil(40 * scale);
  const { env } = core;
  const ref = { namespace: 'default', name: 'process' };
  await core.api.sandboxes.create({ ...ref, spec: { image: 'host', args: ['sleep', '600'] } });
  const rows = [
    await wholeProcess('process: node -e 0', [process.execPath, '-e', '0'], { runs, env }),
    await wholeProcess('process: fsb-ctl --version', [binary, '--version'], {
      runs,
      env,
      budget: '2.5 x node -e 0',
    }),
    await wholeProcess('process: fsb-ctl list', [binary, 'list'], { runs, env, budget: '3 x node -e 0' }),
    await wholeProcess('process: fsb-ctl exec (true)', [binary, 'exec', 'process', 'true'], { runs, env }),
    await wholeProcess(
      'process: fsb-ctl run --rm (true)',
      [binary, 'run', 'once', '--rm', '--image', 'host', '--', 'true'],
      { runs, env },
    ),
    await runcRun(runs, env),
  ];
  if (dockerRuns()) rows.push(await wholeProcess('process: docker ps', ['docker', 'ps'], { runs, env }));
  await core.api.sandboxes.delete(ref, { grace: 0 });
  return rows;
}

/** The floor: what the runtime alone takes for a container that runs `true` on the machine's own /usr. */
async function runcRun(runs: number, env: NodeJS.ProcessEnv): Promise<Figures> {
  const bundle = mkdtempSync(join(tmpdir(), 'fsb-bench-runc-'));
  try {
    for (const directory of ['usr', 'proc', 'dev', 'sys', 'bin', 'lib', 'lib64'])
      mkdirSync(join(bundle, 'rootfs', directory), { recursive: true });
    execFileSync('runc', ['spec'], { cwd: bundle });
    const config = JSON.parse(execFileSync('cat', ['config.json'], { cwd: bundle, encoding: 'utf8' }));
    config.process.terminal = false;
    config.process.args = ['/usr/bin/true'];
    for (const path of ['/usr', '/lib', '/lib64'])
      config.mounts.push({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    return await wholeProcess(
      'process: runc run (true)',
      ['runc', 'run', '--bundle', bundle, `bench-${process.pid}`],
      { runs, env },
    );
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}
