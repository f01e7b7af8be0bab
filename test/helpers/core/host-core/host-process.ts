import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { type ExitStatus, type TerminalSize, USUAL_SIZE } from '../../../../src/core/model/process.ts';

export interface HostProcessSpec {
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  tty: boolean;
  stdin: boolean;
  size?: TerminalSize | undefined;
}

/** A child of this machine with the manners of a process in a sandbox. */
export class HostProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<ExitStatus>;
  readonly #tty: boolean;

  /** @throws command_not_found */
  constructor(spec: HostProcessSpec) {
    const env = { PATH: process.env.PATH!, TERM: 'xterm', ...spec.env };
    assertFound(spec.argv[0]!, env.PATH, spec.cwd);
    const argv = spec.tty ? underTerminal(spec.argv, spec.size) : spec.argv;
    this.#tty = spec.tty;
    this.child = spawn(argv[0]!, argv.slice(1), {
      env,
      cwd: spec.cwd === '' ? '/' : spec.cwd,
      detached: true,
      stdio: 'pipe',
    });
    this.child.on('error', () => {});
    this.child.stdin.on('error', () => {});
    if (!spec.stdin && !spec.tty) this.child.stdin.end();
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code, signal) => resolve(statusOf(code, signal)));
    });
  }

  /** @param scope with a terminal it is always the group: the process itself is what holds the terminal */
  signal(signal: number, scope: 'process' | 'group' = 'group'): void {
    const { pid } = this.child;
    try {
      process.kill(scope === 'group' || this.#tty ? -pid! : pid!, signal);
    } catch {
      // It has ended.
    }
  }

  resize({ rows, cols }: TerminalSize): void {
    if (!this.#tty) return;
    const pid = this.child.pid!;
    const inner = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0];
    execFile('stty', ['-F', `/proc/${inner}/fd/0`, 'rows', String(rows), 'cols', String(cols)], () => {});
  }
}

function underTerminal(argv: string[], { rows, cols } = USUAL_SIZE): string[] {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  return [
    'script',
    '-qfec',
    `stty rows ${rows} cols ${cols}; exec ${argv.map(quote).join(' ')}`,
    '/dev/null',
  ];
}

function assertFound(file: string, path: string, cwd: string): void {
  if (
    file.includes('/')
      ? existsSync(resolve(cwd, file))
      : path.split(delimiter).some((at) => existsSync(join(at, file)))
  )
    return;
  throw new FsbError('command_not_found', `cannot run ${file}: it is not in the sandbox`, {
    hint: 'Check the PATH.',
  });
}

function statusOf(code: number | null, signal: NodeJS.Signals | null): ExitStatus {
  if (signal !== null) return { code: null, signal: constants.signals[signal] };
  return { code, signal: null };
}
