import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect } from './cli/endpoints/connect.ts';
import type { PackageJson } from './cli/program/command-set.ts';
import { traceIfAsked } from './cli/program/tracing.ts';
import { processEvents } from './cli/terminal/process-events.ts';
import type { World } from './cli/terminal/world.ts';
import { systemClock } from './core/model/clock.ts';

/**
 * The whole program in this process: reads argv, runs, and leaves once everything written is out.
 * @param root directory of package.json
 * @returns the exit code, for the entry to exit with
 */
export async function start(root: string): Promise<number> {
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageJson;
  const argv = process.argv.slice(2);
  if (argv[0] === '--version' || argv[0] === '-v') {
    process.stdout.write(`fsb-ctl ${pjson.version}\n`);
    return 0;
  }
  process.once('beforeExit', failInTheMiddle);
  // Loaded late: --version needs none of it.
  const [{ main }, { COMMANDS }] = await Promise.all([
    import('./cli/program/dispatch.ts'),
    import('./commands/index.ts'),
    // Every command needs it, and with it oclif's listener to errors of the output is there to be removed below.
    import('./cli/command/base-command.ts'),
  ]);
  const world = processWorld(root, pjson.version);
  const endTracing = await traceIfAsked(argv, world);
  const code = await main(argv, { root, pjson, commands: COMMANDS }, world);
  await Promise.all([endTracing(), flushed(process.stdout), flushed(process.stderr)]);
  return code;
}

/** Node has nothing left to wait for, and would end with 0; the command does wait, for something that never comes. */
function failInTheMiddle(): void {
  const what = 'the command ended in the middle: what it waits for never comes';
  process.stderr.write(`Error: ${what}\nHint: Look at what it has done, and run it again.\n`);
  process.exit(1);
}

function processWorld(root: string, version: string): World {
  for (const stream of [process.stdout, process.stderr]) {
    // Every write of ours looks at its own result; oclif's listener would throw in the middle of nowhere.
    stream.removeAllListeners('error');
    stream.on('error', () => {});
  }
  const env = { ...process.env };
  // It is for this process; none of those that it starts has to know.
  delete process.env.FSB_TOKEN;
  const here = {
    terminal: {
      // Looking at it opens it; most commands never do.
      get stdin() {
        return process.stdin;
      },
      stdout: process.stdout,
      stderr: process.stderr,
    },
    env,
    cwd: workingDirectory(),
    clock: systemClock,
    events: processEvents(),
    forceExit: (code: number) => process.exit(code),
    version,
    packageRoot: root,
  };
  return { ...here, connect: (options, signal) => connect(options, here, signal) };
}

/** Where one that was removed had been: commands that need no file there do not need it either. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return resolve('/', process.env.PWD ?? '');
  }
}

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => stream.write('', () => resolve()));
