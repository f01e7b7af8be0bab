import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { corePaths } from '../../src/core/model/paths.ts';
import { type Outcome, outcomeOf } from '../helpers/cli/cli-root.ts';
import { repository } from '../helpers/core/real-core.ts';
import { numbersProblem, specOf } from '../helpers/core/storm/promises.ts';
import type { Attempt, Ledger } from './ledger.ts';

const COUNTING = specOf({ kind: 'counting', code: 0 }, 0).command!;
const binary = join(repository, 'bin/run.js');

/** The real command line, each command in a process of its own; some are killed in the middle. */
export class CommandClient {
  readonly #env: NodeJS.ProcessEnv;
  readonly #ledger: Ledger;
  readonly #random: (below: number) => number;

  constructor(root: string, ledger: Ledger, random: (below: number) => number) {
    const { NODE_EXTRA_CA_CERTS: _, FSB_CONTEXT: __, ...clean } = process.env;
    // Named, so that no command starts a core of its own while there is none.
    const host = `unix://${corePaths({ FSB_ROOT: root }, 0).grpcSocket}`;
    const places = { HOME: join(root, 'home'), XDG_CACHE_HOME: join(root, 'cache') };
    this.#env = { ...clean, ...places, FSB_HOST: host, FSB_ROOT: root, FSB_NAMESPACE: 'commands' };
    this.#ledger = ledger;
    this.#random = random;
  }

  async cycle(): Promise<void> {
    const attempt: Attempt = {};
    try {
      await this.#ledger.attempt(attempt, () => (this.#random(3) === 0 ? this.#once() : this.#box()));
    } catch (error) {
      if (!attempt.uncertain) throw error;
    }
    this.#ledger.finish(attempt);
  }

  async #once(): Promise<void> {
    const script = ['--', 'sh', '-c', 'echo hello; sleep 0.1; exit 7'];
    const args =
      this.#random(2) === 0
        ? ['run', this.#ledger.newName(), '--rm', '--image', 'host', ...script]
        : ['pool', 'run', '--image', 'host', ...script];
    await this.#fsb(args, { code: 7, stdout: /^hello\n$/ });
  }

  async #box(): Promise<void> {
    const box = this.#ledger.newName();
    const made = await this.#fsb(['run', box, '-d', '--image', 'host', '--', ...COUNTING], { code: 0 });
    if (made) {
      let generations = 1;
      const restart = (): Promise<boolean> => {
        generations += 1;
        return this.#fsb(['restart', '-t', '0', box], { code: 0 });
      };
      const deeds = [
        () =>
          this.#fsb(['exec', box, '--', 'sh', '-c', 'echo alive; exit 3'], { code: 3, stdout: /^alive\n$/ }),
        () => this.#fsb(['cp', `${box}:/etc/hostname`, '-'], { code: 0, stdout: /hostname/ }),
        () => this.#follow(box, generations),
        restart,
        // Pending after a restart under which the core was killed: the next one goes on with it.
        () => this.#fsb(['get', box, '-o', 'json'], { code: 0, stdout: /"(Running|Pending)"/ }),
      ];
      // Behind a restart whose client was killed, which may still be under way, no exec is sure to find it running.
      for (let left = 1 + this.#random(2); left > 0; left--)
        if ((await deeds[this.#random(deeds.length)]!()) === false) break;
    }
    await this.#fsb(['delete', '-f', '--grace', '0s', box], { code: 0 });
  }

  /** A quarter is killed in the middle. @returns whether it came to its end, which was as expected */
  async #fsb(args: string[], expected: { code: number; stdout?: RegExp }): Promise<boolean> {
    const child = spawn(binary, args, { env: this.#env });
    if (this.#random(4) === 0) this.#killLater(child);
    const { code, stdout, stderr } = await outcomeOf(child);
    if (child.signalCode === 'SIGKILL') return false;
    if (code !== expected.code || expected.stdout?.test(stdout) === false)
      throw new Error(`fsb-ctl ${args.join(' ')}: ${JSON.stringify({ code, stdout, stderr })}`);
    return true;
  }

  /** @param generations that there may have been */
  async #follow(box: string, generations: number): Promise<void> {
    const child = spawn(binary, ['logs', '-f', box], { env: this.#env });
    this.#killLater(child);
    const { stdout, stderr }: Outcome = await outcomeOf(child);
    const problem =
      child.signalCode === 'SIGKILL' ? numbersProblem(stdout, generations) : `it ended: ${stderr}`;
    if (problem) throw new Error(`fsb-ctl logs -f ${box}: ${problem}`);
  }

  #killLater(child: ChildProcess): void {
    const timer = setTimeout(() => {
      if (child.kill('SIGKILL')) this.#ledger.count('clients killed');
    }, 50 + this.#random(800));
    child.once('close', () => clearTimeout(timer));
  }
}
