import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeRoot, repository } from '../core/real-core.ts';
import { traces } from '../core/traces.ts';
import { reachCore } from './reach-core.ts';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliRoot {
  root: string;
  env: NodeJS.ProcessEnv;
  /** Runs the production binary to its end, as a script would. */
  fsb(args: string[], options?: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string }): Promise<Outcome>;
  /** Starts it, for what does not end by itself. */
  start(args: string[]): ChildProcessWithoutNullStreams;
  /** SIGKILL to the core; the next command finds another one. @param meanwhile is done while there is none */
  killCore(meanwhile?: () => Promise<void>): Promise<void>;
  /** The same in order. */
  restartCore(): Promise<void>;
  /** Of what listens at an address of this machine: it leads there for the core, too, wherever that is. */
  lend(address: string): Promise<void>;
  /** Deletes all sandboxes, releases all leases, stops the core; resolves with what is left on the machine. */
  close(): Promise<string[]>;
}

/** The compiled form of each command is made once for all roots, as it is for a user. test/e2e/entry.test.ts has its own. */
export const CODE_CACHES = join(repository, 'node_modules/.cache/fsb-test-commands');

/**
 * The production binary, of this tree or another, with a core of its own: its first command starts it, unless the transport
 * under test leads elsewhere.
 */
export async function makeCliRoot(binary = join(repository, 'bin/run.js')): Promise<CliRoot> {
  const root = await makeRoot();
  const {
    NODE_EXTRA_CA_CERTS: _,
    FSB_HOST: __,
    FSB_CONTEXT: ___,
    FSB_NAMESPACE: ____,
    ...clean
  } = process.env;
  const home = { HOME: join(root, 'home'), XDG_CACHE_HOME: CODE_CACHES, NO_COLOR: '1' };
  const reach = await reachCore(binary, root, { ...clean, ...home });
  const env = { ...clean, ...home, ...reach.env };
  const cli: CliRoot = {
    root,
    env,
    start: (args) => spawn(binary, args, { env }),
    async fsb(args, options = {}) {
      return outcomeOf(
        spawn(binary, args, { env: { ...env, ...options.env }, cwd: options.cwd }),
        options.input,
      );
    },
    killCore: reach.killCore,
    restartCore: reach.restartCore,
    lend: (address) => reach.lend(Number(address.split(':').at(-1))),
    async close() {
      await cli.fsb(['delete', '--all', '-f']);
      const leases = (await cli.fsb(['pool', 'leases', '-q'])).stdout.split('\n').filter((id) => id !== '');
      if (leases.length > 0) await cli.fsb(['pool', 'release', ...leases]);
      await cli.fsb(['daemon', 'stop']);
      await reach.close();
      const left = await traces(root);
      await rm(root, { recursive: true, force: true });
      return left;
    },
  };
  return cli;
}

/** What a command says of waiting for its instance, or for the next core, or of a copy that goes on: on a busy machine any may. */
const WAITING =
  /^(Waiting for an instance of pool .*|Copying \.\.\. .*|The core went away; looking for .*)\n/gm;

/** What it has to say on standard error, however long it took. */
export const withoutWaiting = (stderr: string): string => stderr.replaceAll(WAITING, '');

/** Gives it the input, and all of it: resolves when it has ended and its output is whole. */
export async function outcomeOf(child: ChildProcessWithoutNullStreams, input = ''): Promise<Outcome> {
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    outcome.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    outcome.stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  [outcome.code] = (await once(child, 'close')) as [number | null];
  return { ...outcome, stderr: withoutWaiting(outcome.stderr) };
}
