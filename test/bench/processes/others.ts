import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figures } from '../figures/stats.ts';
import { dockerBox } from './docker-box.ts';
import { withFirstByte } from './whole-process.ts';

/** What else runs a command in a container on this machine: the runtime alone, and docker. */
export async function othersGroup(scale: number): Promise<Figures[]> {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const options = { runs: Math.ceil(30 * scale), env };
  const rows = await runcRows(options);
  await using docker = await dockerBox(env);
  if (docker === undefined) return rows;
  const echo = ['run', '--rm', '--network', 'none', docker.image, '/busybox', 'sh', '-c', 'echo hello'];
  rows.push(
    ...(await withFirstByte('docker run (echo)', ['docker', ...echo], { ...options, env: docker.env })),
  );
  return rows;
}

interface Options {
  runs: number;
  env: NodeJS.ProcessEnv;
}

/** A container on the machine's own /usr, with nothing that runc would not do by itself. */
async function runcRows(options: Options): Promise<Figures[]> {
  const bundle = mkdtempSync(join(tmpdir(), 'fsb-bench-runc-'));
  try {
    for (const directory of ['usr', 'proc', 'dev', 'sys', 'bin', 'lib', 'lib64'])
      mkdirSync(join(bundle, 'rootfs', directory), { recursive: true });
    execFileSync('runc', ['spec'], { cwd: bundle });
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    config.process.terminal = false;
    config.process.args = ['/usr/bin/sh', '-c', 'echo hello'];
    for (const path of ['/usr', '/lib', '/lib64'])
      config.mounts.push({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    const run = ['run', '--bundle', bundle, `bench-${process.pid}`];
    return await withFirstByte('runc run (echo)', ['runc', ...run], options);
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}
