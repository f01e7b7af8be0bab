import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeScript, makeUnpackWorker } from '../../../scripts/build/bundle.ts';
import { repository } from './real-core.ts';

/** Beside the packages, as lmdb stays outside of the scripts; a directory for each state of the sources. */
const CACHE = join(repository, 'node_modules/.cache/fsb-test-scripts');
const SOURCES = ['src', 'test/fixtures', 'test/helpers', 'scripts/build'];
/** Milliseconds that the scripts of other sources are kept, for who runs tests on them just now. */
const KEPT = 3_600_000;

/** What runs it, with what an earlier run has compiled. */
export const cachedScript = join(repository, 'test/fixtures/cached-script.cjs');

/** Of test/fixtures. */
type Program = 'core-process' | 'agent-process' | 'image-churn';

const made = new Map<Program, Promise<string>>();

/**
 * A program of test/fixtures and all of the core as one script, which starts three times as fast as the sources.
 * Made once for all processes that run tests, until the sources change.
 */
export function coreScript(program: Program = 'core-process'): Promise<string> {
  const script = made.get(program) ?? make(program);
  made.set(program, script);
  return script;
}

async function make(program: Program): Promise<string> {
  const directory = join(CACHE, stateOfSources());
  mkdirSync(directory, { recursive: true });
  removeOld(directory);
  const script = join(directory, `${program}.cjs`);
  await keep(join(directory, 'unpack-worker.cjs'), () => makeUnpackWorker(repository));
  await keep(script, () => makeScript(repository, `test/fixtures/${program}.ts`));
  return script;
}

/** Two that begin at the same time make the same. */
async function keep(path: string, text: () => Promise<string>): Promise<void> {
  if (existsSync(path)) return;
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, await text());
  renameSync(unfinished, path);
}

/** Another one whenever a file is changed, comes, or goes. */
function stateOfSources(): string {
  const hash = createHash('sha256').update(repository);
  const paths = SOURCES.flatMap((place) =>
    readdirSync(join(repository, place), { recursive: true }).map((path) => join(place, String(path))),
  );
  for (const path of [...paths.sort(), 'package-lock.json']) {
    const { mtimeMs, size } = statSync(join(repository, path));
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}

function removeOld(current: string): void {
  for (const name of readdirSync(CACHE)) {
    const directory = join(CACHE, name);
    if (directory === current || Date.now() - statSync(directory).mtimeMs < KEPT) continue;
    rmSync(directory, { recursive: true, force: true });
  }
}
