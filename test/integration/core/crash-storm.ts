import { expect } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import type { Sandbox } from '../../../src/core/model/sandbox.ts';

type Kind = 'counting' | 'exiting' | 'expiring';

/** One sandbox as the clients know it: only what was answered counts. */
interface Known {
  kind: Kind;
  name: string;
  code: number;
  sandbox?: Sandbox;
  deletion: 'none' | 'asked' | 'answered';
}

const NAMESPACE = 'storm';
const scripts: Record<Kind, (code: number) => string> = {
  counting: () => 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.02; done',
  exiting: (code) => `echo begin; sleep 0.${code}; echo done; exit ${code}`,
  expiring: () => 'echo begin; sleep 1000',
};
const wholeLog = { follow: false, stdout: true, stderr: true };

/** Numbers that look random and are the same for the same seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Clients that create, execute in and delete sandboxes, and remember what they were told. */
export class CrashStorm {
  readonly known: Known[] = [];
  readonly #random: (below: number) => number;
  #names = 0;

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  /** Eight clients at once, until the core is killed under them. */
  async rage(api: CoreApi, killed: AbortSignal): Promise<void> {
    const client = async (): Promise<void> => {
      while (!killed.aborted) {
        try {
          await this.#act(api);
        } catch (error) {
          if (!killed.aborted) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
  }

  async #act(api: CoreApi): Promise<void> {
    const living = this.known.filter(({ sandbox, deletion }) => sandbox && deletion === 'none');
    const choice = living.length > 20 ? 8 : this.#random(10);
    const some = living[this.#random(living.length)];
    if (choice < 5 || !some) return this.#create(api);
    if (choice < 7) return this.#exec(api, some);
    return this.#delete(api, some, choice === 9);
  }

  async #create(api: CoreApi): Promise<void> {
    const kind = (['counting', 'exiting', 'exiting', 'expiring'] as const)[this.#random(4)]!;
    const code = 1 + this.#random(9);
    const known: Known = { kind, name: `box-${this.#names++}`, code, deletion: 'none' };
    this.known.push(known);
    const command = ['sh', '-c', scripts[kind](code)];
    const ttl = kind === 'expiring' ? { ttl: `${300 + this.#random(900)}ms` } : {};
    known.sandbox = await api.sandboxes.create({
      namespace: NAMESPACE,
      name: known.name,
      spec: { image: 'host', command, grace_period: '0.1s', ...ttl },
    });
  }

  async #exec(api: CoreApi, { sandbox, kind, name }: Known): Promise<void> {
    if (kind !== 'counting') return;
    // Another client may delete it at this moment.
    const problem = await execProblem(api, sandbox!).catch(() => undefined);
    if (problem) throw new Error(`exec in ${name}: ${problem}`);
  }

  async #delete(api: CoreApi, known: Known, atOnce: boolean): Promise<void> {
    known.deletion = 'asked';
    await api.sandboxes.delete(known.sandbox!, atOnce ? { wait: false } : { grace: 0 });
    known.deletion = 'answered';
  }

  /** After a restart: what was answered is true. */
  async check(api: CoreApi): Promise<void> {
    const listed = new Map(
      (await api.sandboxes.list({ namespace: NAMESPACE })).map((box) => [box.name, box]),
    );
    const problems = await Promise.all(
      this.known.map((known) => problemOf(api, known, listed.get(known.name))),
    );
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  }

  async deleteAll(api: CoreApi): Promise<void> {
    const left = await api.sandboxes.list({});
    await Promise.all(left.map((sandbox) => api.sandboxes.delete(sandbox, { grace: 0 })));
    expect(await api.sandboxes.list({})).toEqual([]);
    this.known.length = 0;
  }
}

/** What is wrong with one sandbox after a restart, if anything. */
async function problemOf(api: CoreApi, known: Known, found?: Sandbox): Promise<string | undefined> {
  const { name, kind, code, deletion, sandbox } = known;
  const phase = found?.state.phase;
  if (deletion === 'answered')
    return found === undefined || phase === 'Terminating' ? undefined : `${name} was deleted and is ${phase}`;
  if (deletion === 'asked') return undefined;
  // Its create was never answered: it may be there or not, but not in between.
  if (sandbox === undefined)
    return phase === 'Pending' || phase === 'Bound' ? `${name} was left ${phase}` : undefined;
  if (found?.id !== sandbox.id) return `${name} is gone`;
  if (kind === 'expiring')
    return phase === 'Expired' || phase === 'Running'
      ? undefined
      : `${name} should run or be expired: ${about(found)}`;
  if (kind === 'exiting') return exitProblem(api, found, code);
  if (phase !== 'Running') return `${name} should run: ${about(found)}`;
  const problem = (await execProblem(api, found)) ?? numbersProblem(await textOf(api, found));
  return problem && `${name}: ${problem}`;
}

async function exitProblem(api: CoreApi, box: Sandbox, code: number): Promise<string | undefined> {
  const status = await api.sandboxes
    .wait(box, { signal: AbortSignal.timeout(10_000) })
    .catch((error) => `${error}`);
  if (typeof status === 'string' || status.code !== code)
    return `${box.name} should end with ${code}: ${JSON.stringify(status)}; it was ${about(box)}`;
  const text = await textOf(api, box);
  return text === 'begin\ndone\n' ? undefined : `${box.name} logged ${JSON.stringify(text)}`;
}

const about = (box: Sandbox): string => `${JSON.stringify(box.state)} ${JSON.stringify(box.events)}`;

export function numbersProblem(text: string): string | undefined {
  const lines = text.split('\n').slice(0, -1);
  const wrong = lines.findIndex((line, index) => line !== `line ${index}`);
  return wrong < 0 ? undefined : `line ${wrong} of ${lines.length} is ${JSON.stringify(lines[wrong])}`;
}

export async function textOf(api: CoreApi, box: Sandbox): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { data, dropped } of api.sandboxes.logs(box, wholeLog)) {
    if (dropped) throw new Error(`${dropped} bytes of the log of ${box.name} are missing`);
    pieces.push(data);
  }
  return Buffer.concat(pieces).toString();
}

async function execProblem(api: CoreApi, box: Sandbox): Promise<string | undefined> {
  const argv = ['sh', '-c', 'echo alive; exit 3'];
  const session = await api.sandboxes.exec(box, {
    argv,
    env: {},
    cwd: '',
    user: '',
    tty: false,
    stdin: false,
  });
  let text = '';
  for await (const { data } of session.output) text += data;
  const { code } = await session.exited;
  await session.close();
  return text === 'alive\n' && code === 3 ? undefined : `said ${JSON.stringify(text)} and ended with ${code}`;
}
