import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { JanitorPace } from '../../../src/core/agent/recovery/janitor.ts';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import type { Security } from '../../../src/core/server/doors.ts';
import { cachedScript, coreScript } from './core-script.ts';
import { buildGuest, guestDirectory } from './real-core.ts';

export interface CoreProcess {
  pid: number;
  /** The core over its unix sockets. */
  api: CoreApi;
  /** SIGKILL; resolves when it is gone. The client stays, for calls to fail on. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>;
  /** From when this resolves on it kills itself at that failpoint; undefined: at none. */
  dieAt(failpoint: string | undefined): Promise<void>;
  /** The failpoints that it has come to since then, or since it was started, with how often; also when it has ended. */
  reached(): Promise<Record<string, number>>;
  /** What it has in use, after a collection. */
  memory(): Promise<CoreMemory>;
  /** Resolves when it is gone, however it went. */
  gone: Promise<void>;
}

export type CoreProcessMessage = { dieAt?: string } | 'memory' | 'reached';

/** Bytes. */
export interface CoreMemory {
  heap: number;
  /** Of buffers and whatever else objects of the heap hold outside of it. */
  buffers: number;
}

export interface CoreProcessOptions {
  /** A node without a controller: its `api` knows no sandboxes. */
  node?: boolean;
  pool?: Record<string, unknown>;
  /** Bytes of the log of a sandbox. */
  logSize?: number;
  /** Milliseconds that the log of a deleted sandbox is kept. */
  logRetention?: number;
  /** Has it listen on TCP as well, on free ports; `readStatus` tells which. */
  security?: Security;
  /** How soon an instance goes that nobody holds. */
  janitor?: JanitorPace;
  /** How many descriptors it may have. */
  descriptors?: number;
  /** Dies at this failpoint on its way to being ready: then this rejects. */
  dieAt?: string;
  /** A descriptor of a file that is told what it says. Left out: that of this process, when FSB_TEST_LOG wants it. */
  log?: number;
  /** The `cgroup.procs` of a cgroup that it is started in. */
  procs?: string;
}

/** Goes into a cgroup, and becomes another program there: memory counts for whoever touched it first. */
const ENTER = 'echo $$ > "$0";';

/** A real core in a process of its own, so that it can be killed. @throws with the error's code, message and hint when it does not start */
export async function startCoreProcess(
  root: string,
  {
    node,
    pool = {},
    logSize,
    logRetention,
    security,
    janitor,
    descriptors,
    dieAt,
    log,
    procs,
  }: CoreProcessOptions = {},
): Promise<CoreProcess> {
  buildGuest();
  const policy = JSON.stringify({ warm: [{ image: 'host', count: 2 }], capacity: { max: 48 }, ...pool });
  const address = '127.0.0.1:0';
  const tcp = security && { grpc: address, http: address, security };
  const terms = JSON.stringify({ node, logSize, logRetention, janitor, ...tcp });
  const words = [root, policy, guestDirectory, terms];
  const program = [process.execPath, '--expose-gc', cachedScript, await coreScript(), ...words];
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors};`;
  const enter = procs === undefined ? '' : ENTER;
  const child = spawn('sh', ['-c', `${enter} ${limit} exec "$@"`, procs ?? 'sh', ...program], {
    stdio: ['ignore', 'pipe', log ?? 'inherit', 'ipc'],
    env: {
      ...(log === undefined ? {} : { FSB_TEST_LOG: 'info' }),
      ...process.env,
      ...(dieAt === undefined ? {} : { FSB_TEST_FAILPOINT: dieAt }),
    },
  });
  let lastWords: Record<string, number> = {};
  child.on('message', (message: Record<string, number>) => {
    lastWords = message;
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const answer = await Promise.race([firstLine(child), exited.then((code) => `exit ${code}`)]);
  if (answer !== 'ready') {
    await exited;
    throw new Error(answer);
  }
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const api = connectCore({ grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    const code = await exited;
    await api.close();
    return code;
  };
  return {
    pid: child.pid!,
    api,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    async dieAt(dieAt) {
      await ask(child, { dieAt });
    },
    reached: async () => (child.exitCode === null ? ask(child, 'reached') : lastWords),
    memory: () => ask(child, 'memory'),
    gone: exited.then(() => api.close()),
  };
}

/** What test/fixtures/core-process.ts answers. */
async function ask<T>(child: ChildProcess, message: CoreProcessMessage): Promise<T> {
  child.send(message);
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [data] = (await once(child.stdout!, 'data')) as [Buffer];
  return data.toString().trim();
}
