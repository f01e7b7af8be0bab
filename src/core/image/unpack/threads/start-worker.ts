import { createRequire } from 'node:module';
import { dirname as dirOf, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ResourceLimits, Worker } from 'node:worker_threads';

/**
 * Starts a thread with worker/main.ts: in production it is a script of its own beside the bundle, otherwise the source, which
 * Node reads through tsx.
 */
export function startWorker(resourceLimits: ResourceLimits): Worker {
  // Named in full: the build replaces these two expressions.
  const filename = import.meta.filename;
  const dirname = import.meta.dirname;
  // Nothing of the environment: it may have secrets, and a thread has no use for it. Nor of Node's options.
  const options = { resourceLimits, env: {}, execArgv: [], name: 'unpack' };
  if (filename.endsWith('.cjs')) return new Worker(join(dirname, 'unpack-worker.cjs'), options);
  const workerData = {
    // Of its two forms the module: require() would resolve to the other one, which looks for its parts in vain.
    api: pathToFileURL(
      join(dirOf(createRequire(filename).resolve('tsx/package.json')), 'dist/esm/api/index.mjs'),
    ).href,
    main: pathToFileURL(join(dirname, '../worker/main.ts')).href,
  };
  return new Worker(FROM_SOURCES, { ...options, workerData, eval: true });
}

/** As bin/dev.js does it; a loader on Node's command line does not reach threads in every version of tsx. */
const FROM_SOURCES = `
  const { api, main } = require('node:worker_threads').workerData;
  import(api).then(({ register }) => { register(); return import(main); });
`;
