import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DockerEngine extends AsyncDisposable {
  /** With it `docker` finds the engine. */
  env: NodeJS.ProcessEnv;
}

/**
 * The docker engine that answers, else one of our own while it is used, where dockerd is installed; undefined, and why
 * on standard error, when there is neither.
 */
export async function dockerEngine(env: NodeJS.ProcessEnv): Promise<DockerEngine | undefined> {
  if (spawnSync('docker', ['info'], { env, stdio: 'ignore' }).status === 0)
    return { env, [Symbol.asyncDispose]: async () => {} };
  if (spawnSync('dockerd', ['--version'], { env, stdio: 'ignore' }).status === 0) return ownEngine(env);
  console.error(
    'docker is not compared: no engine answers, and there is no dockerd (apt-get install docker.io)',
  );
  return undefined;
}

/** What it writes to /run and /etc goes with its mount namespace. */
const inPrivate = `mount -t tmpfs tmpfs /run &&
  mount -t overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/work" overlay /etc && shift && exec "$@"`;

async function ownEngine(env: NodeJS.ProcessEnv): Promise<DockerEngine | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'fsb-bench-docker-'));
  for (const name of ['etc', 'work']) mkdirSync(join(directory, name));
  const socket = `unix://${join(directory, 'docker.sock')}`;
  const group = `fsb-bench-docker-${process.pid}`;
  const files = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
  const daemon = [
    ...[
      'dockerd',
      '-H',
      socket,
      ...files,
      '--pidfile',
      join(directory, 'pid'),
      '--cgroup-parent',
      `/${group}`,
    ],
    // Our sandboxes have no network either, and a layer is found at once on any file system.
    ...['--storage-driver=vfs', '--iptables=false', '--ip6tables=false', '--bridge=none'],
  ];
  const child = spawn('unshare', ['--mount', 'sh', '-c', inPrivate, 'sh', directory, ...daemon], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const close = async (): Promise<void> => {
    child.kill();
    await ended;
    removeGroups(group);
    rmSync(directory, { recursive: true, force: true });
  };
  const why = await failure(child);
  if (why === undefined) return { env: { ...env, DOCKER_HOST: socket }, [Symbol.asyncDispose]: close };
  await close();
  console.error(`docker is not compared, dockerd does not start here: ${why}`);
  return undefined;
}

/** Resolves when it listens; with the end of what it said instead when it has ended. */
function failure(child: ChildProcess): Promise<string | undefined> {
  let said = '';
  return new Promise((resolve) => {
    // Read to the end, so that it is never held back.
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000);
      if (said.includes('API listen on')) resolve(undefined);
    });
    child.stderr!.once('end', () => resolve(said.trimEnd().split('\n').at(-1)));
  });
}

/** Those of its containers have gone with them. */
function removeGroups(group: string): void {
  const words = ['/sys/fs/cgroup', '-depth', '-type', 'd', '-name', group, '-exec', 'rmdir', '{}', '+'];
  execFileSync('find', words);
}
