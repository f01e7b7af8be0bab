import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../../../../src/core/model/sandbox/spec.ts';
import { request, said } from '../crash/sessions.ts';

export type Kind = 'counting' | 'exiting' | 'expiring';

/** One sandbox as its clients know it: only what was answered counts. */
export interface Known {
  kind: Kind;
  name: string;
  /** That it exits with, when it is one that does. */
  code: number;
  /** What create answered. */
  sandbox?: Sandbox;
  deletion: 'none' | 'asked' | 'answered';
  /** Its guest may have been killed from outside. */
  uncertain?: boolean;
  /** What was asked last, a stop, a start, a pause, was not answered. */
  between?: boolean;
}

const scripts: Record<Kind, (code: number) => string> = {
  counting: () => 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.02; done',
  exiting: (code) => `echo begin; sleep 0.${code}; echo done; exit ${code}`,
  expiring: () => 'echo begin; sleep 1000',
};

/** @param ttl milliseconds that an expiring one has */
export const specOf = ({ kind, code }: Pick<Known, 'kind' | 'code'>, ttl: number): SandboxSpecInput => ({
  image: 'host',
  command: ['sh', '-c', scripts[kind](code)],
  grace_period: '0.1s',
  ...(kind === 'expiring' ? { ttl: `${ttl}ms` } : {}),
});

/** Where a core does not have what it has answered; empty: all is true. */
export async function brokenPromises(
  api: CoreApi,
  namespace: string,
  all: readonly Known[],
): Promise<string[]> {
  const listed = new Map((await api.sandboxes.list({ namespace })).map((box) => [box.name, box]));
  const problems = await Promise.all(all.map((known) => problemOf(api, known, listed.get(known.name))));
  return problems.filter((problem) => problem !== undefined);
}

/** What is wrong with one sandbox after a restart, if anything. */
async function problemOf(api: CoreApi, known: Known, found?: Sandbox): Promise<string | undefined> {
  const { name, kind, code, deletion, sandbox, uncertain, between } = known;
  const phase = found?.state.phase;
  if (deletion === 'answered')
    return found === undefined || phase === 'Terminating' ? undefined : `${name} was deleted and is ${phase}`;
  if (deletion === 'asked') return undefined;
  // Its create was never answered: it may be there or not, but not in between.
  if (sandbox === undefined) return inBetween(found);
  if (uncertain || between) return found === undefined ? `${name} is gone` : inBetween(found);
  if (found?.id !== sandbox.id) return `${name} is gone`;
  if (kind === 'expiring')
    return phase === 'Expired' || phase === 'Running'
      ? undefined
      : `${name} should run or be expired: ${about(found)}`;
  if (kind === 'exiting') return exitProblem(api, found, code);
  if (phase !== 'Running') return `${name} should run: ${about(found)}`;
  const problem =
    (await execProblem(api, found)) ?? numbersProblem(await textOf(api, found), found.generation);
  return problem && `${name}: ${problem}`;
}

const inBetween = (found?: Sandbox): string | undefined =>
  found?.state.phase === 'Pending' || found?.state.phase === 'Bound'
    ? `${found.name} was left ${found.state.phase}`
    : undefined;

/** Waits for the end of one that exits by itself. */
export async function exitProblem(api: CoreApi, box: Sandbox, code: number): Promise<string | undefined> {
  const status = await api.sandboxes
    .wait(box, { signal: AbortSignal.timeout(30_000) })
    .catch((error) => `${error}`);
  if (typeof status === 'string' || status.code !== code)
    return `${box.name} should end with ${code}: ${JSON.stringify(status)}; it was ${about(box)}`;
  const text = await textOf(api, box);
  return text === 'begin\ndone\n' ? undefined : `${box.name} logged ${JSON.stringify(text)}`;
}

const about = (box: Sandbox): string => `${JSON.stringify(box.state)} ${JSON.stringify(box.events)}`;

/** Every number once, in order, and from 0 again in at most so many generations; one may have ended before its first line. */
export function numbersProblem(text: string, generations = 1): string | undefined {
  const lines = text.split('\n').slice(0, -1);
  let [next, begun] = [0, 0];
  const wrong = lines.findIndex((line) => {
    if (line === 'line 0') [next, begun] = [0, begun + 1];
    return line !== `line ${next++}` || begun > generations;
  });
  const where = `line ${wrong} of ${lines.length}, after ${begun} of ${generations} beginnings`;
  return wrong < 0 ? undefined : `${where}, is ${JSON.stringify(lines[wrong])}`;
}

export async function textOf(api: Pick<CoreApi, 'sandboxes'>, box: Sandbox): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { data, dropped } of api.sandboxes.logs(box, wholeLog)) {
    if (dropped) throw new Error(`${dropped} bytes of the log of ${box.name} are missing`);
    pieces.push(data);
  }
  return Buffer.concat(pieces).toString();
}

export async function execProblem(api: CoreApi, box: Sandbox): Promise<string | undefined> {
  const { text, code } = await said(await api.sandboxes.exec(box, request('sh', '-c', 'echo alive; exit 3')));
  return text === 'alive\n' && code === 3 ? undefined : `said ${JSON.stringify(text)} and ended with ${code}`;
}
