import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { CoreProcessOptions } from '../core-process.ts';

/** One operation of the core that tests kill at each of its failpoints. */
export interface Scenario<State = unknown> {
  /** The operation, in the words of the command line. */
  name: string;
  /** The failpoints at which it is killed: whole names, or all of an operation (`boot.`). */
  covers: string[];
  /** It writes several records of a kind: each is killed at the second one, too, where there is time for it. */
  twice?: boolean;
  core?: Pick<CoreProcessOptions, 'pool' | 'logSize' | 'logRetention'>;
  /** What is there before, all of which must outlive the core. */
  prepare?(api: CoreApi, root: string): Promise<State>;
  /** Begins the operation; it fails when the core dies under it. Left out: what was prepared comes to it by itself. */
  act?(api: CoreApi, state: State, root: string): Promise<unknown>;
  /**
   * What must hold when the next core is there, beyond what holds always (./crash.ts).
   * @param answered the caller was told that it succeeded, so it must have
   */
  check?(api: CoreApi, state: State, answered: boolean, root: string): Promise<void>;
  /** Removes what the test would not: images, pools. */
  tidy?(api: CoreApi, root: string): Promise<void>;
  /** The core that is killed is one on its way to being ready, after one that was killed. */
  whileStarting?: boolean;
}

export const scenario = <State>(it: Scenario<State>): Scenario => it as Scenario;

/** The suite has little time: FSB_TEST_ALL_CRASHES=1. */
const ALL = process.env.FSB_TEST_ALL_CRASHES === '1';

/** `name`, and `name#2` for the second time it comes there. */
export const casesOf = (names: readonly string[], scenario: Scenario): string[] =>
  names
    .filter((name) => isCovered(name, scenario))
    .flatMap((name) => (scenario.twice && ALL && name.startsWith('record.') ? [name, `${name}#2`] : [name]));

export const isCovered = (name: string, { covers }: Pick<Scenario, 'covers'>): boolean =>
  covers.some((covered) => (covered.endsWith('.') ? name.startsWith(covered) : name === covered));
