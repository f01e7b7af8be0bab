import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeScript, makeUnpackWorker } from '../../../scripts/build/bundle.ts';
import { repository } from './real-core.ts';

let made: Promise<string> | undefined;

/**
 * test/fixtures/core-process.ts and all of the core as one script, which starts three times as fast as the sources.
 * Made once for each process that runs tests, which removes it when it ends.
 */
export function coreScript(): Promise<string> {
  made ??= make();
  return made;
}

async function make(): Promise<string> {
  // lmdb, which stays outside, is found from there.
  const directory = join(repository, 'node_modules/.cache', `fsb-test-core-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const script = join(directory, 'core-process.cjs');
  writeFileSync(script, await makeScript(repository, 'test/fixtures/core-process.ts'));
  writeFileSync(join(directory, 'unpack-worker.cjs'), await makeUnpackWorker(repository));
  return script;
}
