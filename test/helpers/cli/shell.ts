import { spawn } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../core/real-core.ts';
import { type CliRoot, makeCliRoot, type Outcome, outcomeOf } from './cli-root.ts';
import { RunningLine } from './running-line.ts';
import { TerminalSession } from './terminal-session.ts';

/** A user's shell: fsb-ctl is on the PATH, and it starts in a home of its own that goes with the core's root. */
export interface Shell {
  cli: CliRoot;
  home: string;
  env: NodeJS.ProcessEnv;
  /** Runs a command line, or a script, to its end. */
  run(line: string): Promise<Outcome>;
  /** The same, which must exit with 0; resolves with its standard output. */
  succeed(line: string): Promise<string>;
  /** A command line beside the test, without a terminal, its standard input open. */
  start(line: string): RunningLine;
  /** A command line on a terminal. */
  open(line: string): TerminalSession;
}

export async function makeShell(): Promise<Shell> {
  const cli = await makeCliRoot();
  const home = join(cli.root, 'home');
  await mkdir(join(home, 'bin'), { recursive: true });
  await symlink(join(repository, 'bin/run.js'), join(home, 'bin/fsb-ctl'));
  const env: NodeJS.ProcessEnv = {
    ...cli.env,
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    PATH: `${join(home, 'bin')}:${process.env.PATH}`,
    TERM: 'xterm',
  };
  const run = (line: string): Promise<Outcome> => outcomeOf(spawn('bash', ['-c', line], { env, cwd: home }));
  return {
    cli,
    home,
    env,
    run,
    async succeed(line) {
      const { code, stdout, stderr } = await run(line);
      if (code !== 0) throw new Error(`${line}\nexited with ${code}: ${stderr}`);
      return stdout;
    },
    start: (line) => new RunningLine(spawn('bash', ['-c', `exec ${line}`], { env, cwd: home })),
    // bash becomes the command; a shell in between would be ended by the same ctrl-C.
    open: (line) => new TerminalSession(['bash', '-c', line], { env, cwd: home }),
  };
}
