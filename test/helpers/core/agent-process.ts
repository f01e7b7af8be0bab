import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
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

/** A real node in a process of its own, without a controller. @throws when it does not start */
export async function startAgentProcess(root: string): Promise<AgentProcess> {
  buildGuest();
  const pool = JSON.stringify({ warm: [{ image: 'host', count: 2 }], capacity: { max: 16 } });
  const words = [cachedScript, await coreScript('agent-process'), root, pool, guestDirectory];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
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
