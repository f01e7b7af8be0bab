import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeScript, makeUnpackWorker } from '../../../scripts/build/bundle.ts';
import { repository } from './real-core.ts';

/** Where each process that runs tests has its own, by its pid; beside the packages, as lmdb stays outside of the script. */
const CACHE = join(repository, 'node_modules/.cache');
const NAME = /^fsb-test-core-(\d+)$/;

/** What runs it, with what an earlier run has compiled. */
export const cachedScript = join(repository, 'test/fixtures/cached-script.cjs');

const made = new Map<string, Promise<string>>();

/**
 * A program of test/fixtures and all of the core as one script, which starts three times as fast as the sources.
 * Made once for each process that runs tests, which removes it when it ends.
 */
export function coreScript(program: 'core-process' | 'agent-process' = 'core-process'): Promise<string> {
  const script = made.get(program) ?? make(program);
  made.set(program, script);
  return script;
}

async function make(program: string): Promise<string> {
  removeForgotten();
  const directory = join(CACHE, `fsb-test-core-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const script = join(directory, `${program}.cjs`);
  writeFileSync(script, await makeScript(repository, `test/fixtures/${program}.ts`));
  writeFileSync(join(directory, 'unpack-worker.cjs'), await makeUnpackWorker(repository));
  return script;
}

/** A process that was killed, as vitest does it, has not removed its own. */
function removeForgotten(): void {
  for (const name of existsSync(CACHE) ? readdirSync(CACHE) : []) {
    const pid = NAME.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(CACHE, name), { recursive: true, force: true });
  }
}
