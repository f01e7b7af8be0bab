import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ResourceLimits, Worker } from 'node:worker_threads';

/**
 * Starts a thread with main.ts: in production it is a script of its own beside the bundle, otherwise the source, which
 * Node reads through tsx.
 */
export function startWorker(resourceLimits: ResourceLimits): Worker {
  // Named in full: the build replaces these two expressions.
  const filename = import.meta.filename;
  const dirname = import.meta.dirname;
  // Nothing of the environment: it may have secrets, and a thread has no use for it.
  const options = { resourceLimits, env: {}, name: 'unpack' };
  if (filename.endsWith('.cjs'))
    return new Worker(join(dirname, 'unpack-worker.cjs'), { ...options, execArgv: [] });
  const loader = pathToFileURL(createRequire(filename).resolve('tsx')).href;
  return new Worker(join(dirname, 'main.ts'), { ...options, execArgv: ['--import', loader] });
}
