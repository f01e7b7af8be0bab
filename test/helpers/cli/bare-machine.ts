import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../core/real-core.ts';
import { type Outcome, outcomeOf } from './cli-root.ts';

/** What makes programs of sources, under every name that it goes by: `gcc-12`, `aarch64-linux-gnu-gcc`, `cc`. */
const COMPILER =
  /^([\w.]+-linux-\w+-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|clang\+\+|tcc|make|gmake|ninja|as|ld)(-[\d.]+)?$/;
/** Where programs are on this machine; read as they are, so that links lead to each file once. */
const PLACES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/usr/lib/ccache'];

/** This machine as users have it: nothing can compile, and this checkout is not there. */
export interface BareMachine {
  /** Words that go before a command to run it there. */
  enter: string[];
  run(command: string, args: string[], env?: NodeJS.ProcessEnv): Promise<Outcome>;
  /** Everything of it must have ended before. */
  close(): Promise<void>;
}

/** A mount namespace: an empty file lies over each compiler, an empty directory over the checkout. */
export async function openBareMachine(): Promise<BareMachine> {
  const directory = await mkdtemp('/tmp/fsb-bare-');
  const nothing = join(directory, 'nothing');
  await writeFile(nothing, '', { mode: 0o644 });
  const covers = compilers().map((path) => `mount --bind ${nothing} "${path}"`);
  const script = [...covers, `mount -t tmpfs none "${repository}"`, 'echo covered', 'exec sleep infinity'];
  const holder = spawn('unshare', ['--mount', 'sh', '-ec', script.join('\n')], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await covered(holder);
  const enter = ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--wd=/', '--'];
  return {
    enter,
    run: (command, args, env = process.env) =>
      outcomeOf(spawn(enter[0]!, [...enter.slice(1), command, ...args], { env, cwd: '/' })),
    async close() {
      const ended = once(holder, 'close');
      holder.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

function compilers(): string[] {
  const found = PLACES.filter((place) => existsSync(place)).flatMap((place) =>
    readdirSync(place)
      .filter((name) => COMPILER.test(name))
      .map((name) => join(place, name))
      .filter((path) => existsSync(path))
      .map((path) => realpathSync(path)),
  );
  return [...new Set(found)];
}

async function covered(holder: ChildProcess): Promise<void> {
  const ended = once(holder, 'close').then(([code]) => {
    throw new Error(`no bare machine: unshare ended with code ${code}`);
  });
  ended.catch(() => {});
  await Promise.race([once(holder.stdout!, 'data'), ended]);
}
