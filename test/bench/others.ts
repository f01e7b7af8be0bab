import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { dockerEngine } from './docker-engine.ts';
import type { Figures } from './stats.ts';
import { wholeProcess, withFirstByte } from './whole-process.ts';

const IMAGE = 'fsb-bench:latest';

/** What else runs a command in a container on this machine: the runtime alone, and docker. */
export async function othersGroup(scale: number): Promise<Figures[]> {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const options = { runs: Math.ceil(30 * scale), env };
  const rows = await runcRows(options);
  await using docker = await dockerEngine(env);
  if (docker) rows.push(...(await dockerRows({ ...options, env: docker.env })));
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

/** An image that has nothing but busybox; without a network, as our own instances are by default. */
async function dockerRows(options: Options): Promise<Figures[]> {
  const busybox = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined) {
    console.error(
      'docker is not compared: there is no static busybox to make an image of (apt-get install busybox-static)',
    );
    return [];
  }
  const { env } = options;
  const tar = execFileSync('tar', ['-C', dirname(busybox), '-c', basename(busybox)], { maxBuffer: 2 ** 26 });
  execFileSync('docker', ['import', '-', IMAGE], { env, input: tar, stdio: ['pipe', 'ignore', 'inherit'] });
  const name = `fsb-bench-${process.pid}`;
  const start = ['run', '-d', '--name', name, '--network', 'none', IMAGE, '/busybox', 'sleep', '600'];
  execFileSync('docker', start, { env, stdio: 'ignore' });
  try {
    const echo = ['run', '--rm', '--network', 'none', IMAGE, '/busybox', 'sh', '-c', 'echo hello'];
    const exec = ['exec', name, '/busybox', 'true'];
    return [
      ...(await withFirstByte('docker run (echo)', ['docker', ...echo], options)),
      await wholeProcess('docker exec (true), whole process', ['docker', ...exec], options),
    ];
  } finally {
    execFileSync('docker', ['rm', '-f', name], { env, stdio: 'ignore' });
    execFileSync('docker', ['rmi', '-f', IMAGE], { env, stdio: 'ignore' });
  }
}
