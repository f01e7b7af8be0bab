import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import type { CoreStatus } from '../../../src/core/root/status-file.ts';

export const repository = resolve(import.meta.dirname, '../../..');
export const binary = join(repository, 'bin/run.js');

export interface BenchCore extends AsyncDisposable {
  api: CoreApi;
  status: CoreStatus;
  /** For processes that are to find this core. */
  env: NodeJS.ProcessEnv;
  /** Where its inspector listens, if it was asked for. */
  inspector: string;
}

export interface BenchCoreOptions {
  /** Of `fsb-ctl serve`. Without any, nothing is kept warm until a pool asks for it. */
  flags?: string[];
  /** Where HTTP is besides the unix socket; left out: nowhere. */
  http?: string;
  inspect?: boolean;
}

/** The production bundle, serving in a process of its own on a root of its own. */
export async function startBenchCore({
  flags,
  http = 'off',
  inspect = false,
}: BenchCoreOptions = {}): Promise<BenchCore> {
  const root = mkdtempSync(join(tmpdir(), 'fsb-bench-'));
  const { NODE_EXTRA_CA_CERTS: _, ...clean } = process.env;
  const env: NodeJS.ProcessEnv = { ...clean, FSB_ROOT: root };
  const child = spawn(
    process.execPath,
    [
      ...(inspect ? ['--inspect=127.0.0.1:0'] : []),
      ...[binary, 'serve', '--ready-fd', '3', '--http', http, '--metrics', 'off', '--memory-budget', '512g'],
      ...(flags ?? ['--warm', 'host=0', '--max', '1']),
    ],
    { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const inspector = inspectorOf(child.stderr!);
  let said = '';
  for await (const text of (child.stdio[3] as Readable).setEncoding('utf8')) said += text;
  if (said === '') throw new Error('the core ended before it was ready');
  const status = JSON.parse(said) as CoreStatus;
  const api = connectCore({ grpc: `unix://${root}/run/fsb.sock`, http: `unix://${root}/run/http.sock` });
  return {
    api,
    status,
    env,
    inspector: inspect ? await inspector : '',
    async [Symbol.asyncDispose]() {
      await endCore(api, child);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** What else the core says is shown: it says nothing when all is well. */
function inspectorOf(stderr: Readable): Promise<string> {
  return new Promise((found) => {
    createInterface(stderr).on('line', (line) => {
      const address = /^Debugger listening on (\S+)$/.exec(line)?.[1];
      if (address !== undefined) found(address);
      else if (!/^For help, see|^Debugger (attached|ending)|^The core is ready/.test(line))
        console.error(line);
    });
  });
}

async function endCore(api: CoreApi, child: ChildProcess): Promise<void> {
  const left = await api.sandboxes.list({});
  await Promise.allSettled(left.map((sandbox) => api.sandboxes.delete(sandbox, { grace: 0 })));
  await api.close();
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
