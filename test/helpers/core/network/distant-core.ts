import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CoreAddress } from '../../../../src/core/client/connect-core.ts';
import { Authority } from '../certificates.ts';
import { repository } from '../real-core.ts';
import { delayedLink } from './delayed-link.ts';
import { lendPort } from './lent-port.ts';

const run = promisify(execFile);

/** A core of the production binary in a network namespace of its own, behind a slow link: TLS and a token lead to it. */
export interface DistantCore {
  address: CoreAddress;
  /** What a command line needs to know of it, and all that it gets to know. */
  env: { FSB_HOST: string; FSB_CA: string; FSB_TOKEN_FILE: string };
  /** SIGKILL. The one that is started next is at the same address. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What listens there on 127.0.0.1 here is to be had on 127.0.0.1 there, too: a registry of the test's. */
  lend(port: number): Promise<void>;
  /** Stops the core and frees the link; not the root. */
  close(): Promise<void>;
}

/** The process of the core on a root. */
export async function pidOfCore(root: string): Promise<number> {
  const { pid } = JSON.parse(await readFile(join(root, 'run/core.json'), 'utf8')) as { pid: number };
  return pid;
}

/** SIGKILL to the core on a root. Its lock's holder sees the end of its pipe, for which the next core waits. */
export async function killCoreOf(root: string): Promise<void> {
  process.kill(await pidOfCore(root), 'SIGKILL');
}

/** @param flags of `daemon start`, besides the addresses and what is for safety */
export async function startDistantCore(
  root: string,
  flags: string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<DistantCore> {
  const link = await delayedLink();
  const authority = new Authority();
  const lent: AsyncDisposable[] = [];
  const { cert, key } = authority.issue({ names: `IP:${link.far}` });
  const safety = ['--tls-cert', cert, '--tls-key', key, '--generate-token'];
  const daemon = async (...words: string[]): Promise<void> => {
    const program = [join(repository, 'bin/run.js'), 'daemon', ...words, '--root', root];
    const [command, ...rest] = [...link.enter, ...program] as [string, ...string[]];
    await run(command, rest, { env });
  };
  const start = (): Promise<void> => daemon('start', '--grpc', `${link.far}:9090`, ...safety, ...flags);
  const stop = (): Promise<void> => daemon('stop');
  const close = async (): Promise<void> => {
    await stop();
    for (const port of lent) await port[Symbol.asyncDispose]();
    await link[Symbol.asyncDispose]();
    authority[Symbol.dispose]();
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  const tokenFile = join(root, 'token');
  return {
    address: {
      grpc: `${link.far}:9090`,
      security: {
        token: (await readFile(tokenFile, 'utf8')).trim(),
        tls: { ca: await readFile(authority.ca) },
      },
    },
    env: { FSB_HOST: `tls://${link.far}:9090`, FSB_CA: authority.ca, FSB_TOKEN_FILE: tokenFile },
    kill: () => killCoreOf(root),
    start,
    stop,
    async lend(port) {
      lent.push(await lendPort(port, link.enter));
    },
    close,
  };
}
