import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { dockerEngine } from './docker-engine.ts';

export interface DockerBox extends AsyncDisposable {
  /** With it `docker` finds the engine. */
  env: NodeJS.ProcessEnv;
  /** Has nothing but /busybox. */
  image: string;
  /** Of a container that runs; like our own instances by default it has no network. */
  name: string;
}

const IMAGE = 'fsb-bench:latest';

/** Undefined, and why on standard error, where there is no docker. */
export async function dockerBox(clean: NodeJS.ProcessEnv): Promise<DockerBox | undefined> {
  const busybox = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined) {
    console.error(
      'docker is not compared: there is no static busybox to make an image of (apt-get install busybox-static)',
    );
    return undefined;
  }
  const engine = await dockerEngine(clean);
  if (engine === undefined) return undefined;
  const { env } = engine;
  const tar = execFileSync('tar', ['-C', dirname(busybox), '-c', basename(busybox)], { maxBuffer: 2 ** 26 });
  execFileSync('docker', ['import', '-', IMAGE], { env, input: tar, stdio: ['pipe', 'ignore', 'inherit'] });
  const name = `fsb-bench-${process.pid}`;
  const start = ['run', '-d', '--name', name, '--network', 'none', IMAGE, '/busybox', 'sleep', '600'];
  execFileSync('docker', start, { env, stdio: 'ignore' });
  return {
    ...{ env, image: IMAGE, name },
    async [Symbol.asyncDispose]() {
      execFileSync('docker', ['rm', '-f', name], { env, stdio: 'ignore' });
      execFileSync('docker', ['rmi', '-f', IMAGE], { env, stdio: 'ignore' });
      await engine[Symbol.asyncDispose]();
    },
  };
}
