import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { Phase } from '../../../../src/core/model/phase.ts';
import type { CoreProcessOptions } from '../core-process.ts';

/** `none`: there is no such sandbox. */
export type Outcome = Phase | 'none';

/** One operation of the core that tests kill at each of its failpoints. */
export interface Scenario<State = unknown> {
  /** The operation, in the words of the command line. */
  name: string;
  /**
   * The failpoints at which the suite kills it, in its turn: whole names, or all of an operation that it passes (`boot.`).
   * At the others that it passes (./passed.json) it is killed with FSB_TEST_ALL_CRASHES=1.
   */
  covers: string[];
  /** Failpoints that something else passes meanwhile, or that it passes only sometimes: as `covers`, or `name#2`. */
  besides?: string[];
  /**
   * What has become of the sandbox `box`, by the last failpoint that the core came to, named as in `covers`: of several
   * that mean it the longest says it. Under two outcomes: one that is passed while what decides is on its way to the disk.
   */
  becomes?: Partial<Record<Outcome, string[]>>;
  /** What becomes of it when nobody is killed, or the caller was told that it is done. */
  ends?: Outcome;
  core?: Pick<CoreProcessOptions, 'pool' | 'logSize' | 'logRetention'>;
  /** What is there before, all of which must outlive the core. */
  prepare?(api: CoreApi, root: string): Promise<State>;
  /** Begins the operation; it fails when the core dies under it. Left out: what was prepared comes to it by itself. */
  act?(api: CoreApi, state: State, root: string): Promise<unknown>;
  /**
   * What must hold when the next core is there, beyond what holds always (./always.ts).
   * @param answered the caller was told that it succeeded, so it must have
   */
  check?(api: CoreApi, state: State, answered: boolean, root: string): Promise<void>;
  /** Removes what the test would not: images, pools. */
  tidy?(api: CoreApi, root: string): Promise<void>;
  /** The core that is killed is one on its way to being ready, after one that was killed. */
  whileStarting?: boolean;
  /** It is killed while it ends: SIGTERM is the operation. */
  whileEnding?: boolean;
}

export const scenario = <State>(it: Scenario<State>): Scenario => it as Scenario;

const PASSED = join(import.meta.dirname, 'passed.json');

/** Which failpoints each scenario passes, `name#2` for those that it comes to again: what was seen, and is on record. */
export const passed = JSON.parse(readFileSync(PASSED, 'utf8')) as Record<string, string[]>;

/** The suite has little time: FSB_TEST_ALL_CRASHES=1. */
const ALL = process.env.FSB_TEST_ALL_CRASHES === '1';

/** In how many runs the suite comes to everything that is covered: each day, or seed, another part. */
const TURNS = 4;
const TURN = Number(process.env.FSB_TEST_SEED ?? Math.floor(Date.now() / 86_400_000)) % TURNS;

/** Of a list, what has its turn. */
export const inTurn = <T>(list: readonly T[]): T[] => list.filter((_, at) => ALL || at % TURNS === TURN);

/** Where it is killed. */
export const casesOf = (scenario: Scenario): string[] =>
  inTurn((passed[scenario.name] ?? []).filter((name) => ALL || isCovered(name, scenario)));

export const isCovered = (name: string, { covers }: Pick<Scenario, 'covers'>): boolean =>
  isMeant(name, covers);

export const isMeant = (name: string, by: readonly string[]): boolean => by.some((one) => means(one, name));

/** `boot.` means all of boot, though not when it comes there again; `record.sandboxes.*#2` does not exist. */
const means = (one: string, name: string): boolean =>
  one.endsWith('.') ? name.startsWith(one) && !name.includes('#') : name === one;

/** What may have become of the sandbox; undefined: the scenario does not say. */
export function outcomesAt(failpoint: string, { becomes, ends }: Scenario): Outcome[] | undefined {
  if (becomes === undefined) return ends === undefined ? undefined : [ends];
  const rows = Object.entries(becomes) as [Outcome, string[]][];
  const lengths = (names: string[]): number[] =>
    names.filter((one) => failpoint === one || failpoint.startsWith(one)).map((one) => one.length);
  const best = Math.max(...rows.flatMap(([, names]) => lengths(names)));
  return rows.filter(([, names]) => lengths(names).includes(best)).map(([outcome]) => outcome);
}
