import { FsbError } from '../../model/failure/errors.ts';
import { assertTerminalSize, type ProcessSpec, type TerminalSize, USUAL_SIZE } from '../../model/process.ts';
import { encodeCoreFrame } from './core-frames.ts';
import { LONGEST_FROM_CORE } from './frames.ts';

/**
 * The SPAWN frame for a process, ready to send.
 * @param times the guest is to tell how long each of its steps takes: only one that knows the question may be asked
 * @throws invalid_argument for what the guest would take as a broken frame: NUL bytes, no command, too much text
 */
export function encodeSpawnRequest(process: number, spec: ProcessSpec, times = false): Buffer {
  const command = spec.argv[0];
  if (command === undefined || command === '') throw invalid('there is no command');
  const environment = Object.entries(spec.env).map(([key, value]) => variable(key, value));
  for (const [what, text] of [
    ...spec.argv.entries(),
    ['working directory', spec.cwd],
    ['user', spec.user],
  ] as const)
    if (text.includes('\0'))
      throw invalid(`${typeof what === 'number' ? `argument ${what}` : `the ${what}`} has a NUL byte in it`);
  const size = sizeOf(spec);
  const frame = encodeCoreFrame({
    type: 'SPAWN',
    process,
    tty: spec.tty,
    stdin: spec.stdin,
    discardOutput: spec.discardOutput ?? false,
    times,
    rows: size.rows,
    columns: size.cols,
    cwd: spec.cwd,
    user: spec.user,
    groups: [],
    limits: [],
    argv: spec.argv,
    environment,
  });
  if (frame.length - 4 > LONGEST_FROM_CORE)
    throw invalid(`command and environment are ${frame.length} bytes long, ${LONGEST_FROM_CORE} at most fit`);
  return frame;
}

/** @throws invalid_argument for what no terminal has */
function sizeOf({ size = USUAL_SIZE }: ProcessSpec): TerminalSize {
  assertTerminalSize(size);
  return size.rows > 0 && size.cols > 0 ? size : USUAL_SIZE;
}

function variable(key: string, value: string): string {
  if (key === '' || key.includes('='))
    throw invalid(`${JSON.stringify(key)} is no name for an environment variable`);
  const text = `${key}=${value}`;
  if (text.includes('\0'))
    throw invalid(`the environment variable ${JSON.stringify(key)} has a NUL byte in it`);
  return text;
}

const invalid = (reason: string): FsbError =>
  new FsbError('invalid_argument', `cannot run the command: ${reason}`);
