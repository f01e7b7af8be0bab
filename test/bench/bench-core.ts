import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import { connectCore } from '../../src/core/client/connect-core.ts';
import type { CoreStatus } from '../../src/core/status-file.ts';

export const repository = resolve(import.meta.dirname, '../..');
export const binary = join(repository, 'bin/run.js');

export interface BenchCore extends AsyncDisposable {
  api: CoreApi;
  status: CoreStatus;
  /** For processes that are to find this core. */
  env: NodeJS.ProcessEnv;
}

/** The production bundle, serving in a process of its own on a root of its own. */
export async function startBenchCore(flags: string[]): Promise<BenchCore> {
  const root = mkdtempSync(join(tmpdir(), 'fsb-bench-'));
  const { NODE_EXTRA_CA_CERTS: _, ...clean } = process.env;
  const env: NodeJS.ProcessEnv = { ...clean, FSB_ROOT: root };
  const child = spawn(
    process.execPath,
    [binary, 'serve', '--ready-fd', '3', '--memory-budget', '64g', ...flags],
    {
      env,
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    },
  );
  let said = '';
  for await (const text of (child.stdio[3] as Readable).setEncoding('utf8')) said += text;
  if (said === '') throw new Error('the core ended before it was ready');
  const status = JSON.parse(said) as CoreStatus;
  const api = connectCore({ grpc: `unix://${root}/run/fsb.sock`, http: `unix://${root}/run/http.sock` });
  return {
    api,
    status,
    env,
    async [Symbol.asyncDispose]() {
      const left = await api.sandboxes.list({});
      await Promise.allSettled(left.map((sandbox) => api.sandboxes.delete(sandbox, { grace: 0 })));
      await api.close();
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
      rmSync(root, { recursive: true, force: true });
    },
  };
}
