import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AgentDaemonOptions } from '../../../src/core/agent-daemon.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import { cachedScript, coreScript } from './core-script.ts';
import { buildGuest, guestDirectory } from './real-core.ts';

export interface AgentProcess {
  unix: { grpc: string; http: string };
  tcp: { grpc: string; http: string };
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>;
}

export interface AgentProcessOptions {
  /** Where it listens on TCP, and for whom; free ports of loopback if left out. */
  listen?: Pick<AgentDaemonOptions, 'grpc' | 'http' | 'security'>;
  /** Words before its command line. */
  enter?: string[];
}

/** A real node in a process of its own, without a controller. @throws when it does not start */
export async function startAgentProcess(
  root: string,
  { listen = { grpc: '127.0.0.1:0', http: '127.0.0.1:0' }, enter = [] }: AgentProcessOptions = {},
): Promise<AgentProcess> {
  buildGuest();
  const pool = JSON.stringify({ warm: [{ image: 'host', count: 2 }], capacity: { max: 16 } });
  const script = [process.execPath, cachedScript, await coreScript('agent-process')];
  const [program, ...words] = [...enter, ...script, root, pool, guestDirectory, JSON.stringify(listen)];
  const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [grpc = '', http = '', ...more] = (await firstLine(child)).split(' ');
  if (more.length > 0) throw new Error([grpc, http, ...more].join(' '));
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return {
    unix: { grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` },
    tcp: { grpc, http },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [data] = (await once(child.stdout!, 'data')) as [Buffer];
  return data.toString().trim();
}
