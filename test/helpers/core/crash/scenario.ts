import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { CoreTerms } from './cores.ts';

/** One operation of the core that tests kill at each of its failpoints. */
export interface Scenario<State = unknown> {
  /** The operation, in the words of the command line. */
  name: string;
  /**
   * Failpoints that something else passes meanwhile, or that it passes only sometimes: whole names (`name#2`, when it comes
   * there again), or all of an operation (`boot.`). It is not killed there.
   */
  besides?: string[];
  /** Names what has become of what the operation is about. Left out: the phase of the sandbox `box`, `none` without one. */
  outcome?(api: CoreApi): Promise<string>;
  /**
   * The outcome, by the last failpoint that the core came to, named as in `besides`: of several
   * that mean it the longest says it. Under two outcomes: one that is passed while what decides is on its way to the disk.
   */
  becomes?: Record<string, string[]>;
  /** The outcome when nobody is killed, or the caller was told that it is done; without `becomes` whatever happens. */
  ends: string;
  core?: CoreTerms;
  /** What is there before, all of which must outlive the core. */
  prepare?(api: CoreApi, root: string): Promise<State>;
  /** What was prepared was left by a core that was killed: the operation is one of the next. */
  restarted?: boolean;
  /** Begins the operation; it fails when the core dies under it. Left out: what was prepared comes to it by itself. */
  act?(api: CoreApi, state: State, root: string): Promise<unknown>;
  /** Takes away what stood in the way of the operation, and would of what is looked at when the next core is there. */
  mend?(api: CoreApi, root: string): Promise<void>;
  /**
   * What must hold when the next core is there, beyond what holds always (./always.ts).
   * @param answered the caller was told that it succeeded, so it must have
   */
  check?(api: CoreApi, state: State, answered: boolean, root: string): Promise<void>;
  /** Removes what the test would not: images, pools. */
  tidy?(api: CoreApi, root: string): Promise<void>;
  /** It is killed at each failpoint in every run: what else passes them does so in another program. */
  everywhere?: boolean;
  /** The core that is killed is one on its way to being ready, after one that was killed. */
  whileStarting?: boolean;
  /** Milliseconds in between without a core. */
  away?: number;
  /** It is killed while it ends: SIGTERM is the operation. */
  whileEnding?: boolean;
}

export const scenario = <State>(it: Scenario<State>): Scenario => it as Scenario;

const PASSED = join(import.meta.dirname, 'passed.json');

/** Where each scenario is killed: what it was seen to pass, `name#2` for records that are written again. */
export const passed = JSON.parse(readFileSync(PASSED, 'utf8')) as Record<string, string[]>;

/** The suite has little time, and a case takes half a second of a processor: FSB_TEST_ALL_CRASHES=1 runs them all. */
const ALL = process.env.FSB_TEST_ALL_CRASHES === '1';

/** In how many runs the suite comes to all of them: each day, or seed, another part. */
const TURNS = 32;
const TURN = Number(process.env.FSB_TEST_SEED ?? Math.floor(Date.now() / 86_400_000)) % TURNS;

const bare = (name: string): string => name.replace(/#.*/, '');

/** In which scenario each failpoint is killed at in every run. */
const homes = new Map(
  Object.entries(passed)
    .reverse()
    .flatMap(([scenario, names]) => names.map((name) => [bare(name), scenario] as const)),
);

/** Where it is killed in this run. */
export const casesOf = ({ name: scenario, everywhere }: Pick<Scenario, 'name' | 'everywhere'>): string[] =>
  (passed[scenario] ?? []).filter(
    (name, at) => ALL || everywhere || homes.get(bare(name)) === scenario || at % TURNS === TURN,
  );

export const isMeant = (name: string, by: readonly string[]): boolean => by.some((one) => means(one, name));

/** `boot.` means all of boot, though not when it comes there again; `record.sandboxes.*#2` does not exist. */
const means = (one: string, name: string): boolean =>
  one.endsWith('.') ? name.startsWith(one) && !name.includes('#') : name === one;

/** The outcomes that there may be. */
export function outcomesAt(
  failpoint: string,
  { becomes, ends }: Pick<Scenario, 'becomes' | 'ends'>,
): string[] {
  if (becomes === undefined) return [ends];
  const rows = Object.entries(becomes);
  const lengths = (names: string[]): number[] =>
    names.filter((one) => failpoint === one || failpoint.startsWith(one)).map((one) => one.length);
  const best = Math.max(...rows.flatMap(([, names]) => lengths(names)));
  return rows.filter(([, names]) => lengths(names).includes(best)).map(([outcome]) => outcome);
}
