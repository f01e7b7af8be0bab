import { posix } from 'node:path';
import { type ProgramRun, runProgram, type Watch } from './run-program.ts';
import type { ToolSandbox } from './tool-sandbox.ts';

/** Milliseconds that one step with files may take: long only where a path is a pipe, or a disk is stuck. */
const STEP_TIMEOUT = 30_000;

/** One step with files inside the sandbox. The words are arguments, never part of the script. */
export interface FileStep {
  script: string;
  words: string[];
  stdin?: Uint8Array;
  /** Bytes of stdout to keep. */
  outputLimit?: number;
  /** Absolute. Default: the working directory of the sandbox's tools. */
  cwd?: string;
}

export function fileStep(sandbox: ToolSandbox, step: FileStep, watch: Watch): Promise<ProgramRun> {
  const { script, words, ...rest } = step;
  return runProgram(
    sandbox,
    { programs: ['sh'], args: ['-c', script, 'sh', ...words], timeout: STEP_TIMEOUT, ...rest },
    watch,
  );
}

/** Writes a file whole, and makes the directories above it. */
export const writeStep = (path: string, content: Uint8Array): FileStep => ({
  script: 'mkdir -p -- "$2" && cat > "$1"',
  words: [path, posix.dirname(path)],
  stdin: content,
});
