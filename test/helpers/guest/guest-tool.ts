import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { buildVariant, type Variant } from './raw-guest.ts';

export interface ToolOutcome {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

const env = { ASAN_OPTIONS: 'detect_leaks=0', UBSAN_OPTIONS: 'print_stacktrace=1' };

const built = new Map<Variant, string[]>();

function wordsFor(variant: Variant): string[] {
  const words = built.get(variant) ?? buildVariant(variant);
  built.set(variant, words);
  return words;
}

/** A tool of the real fsb-init, as an ordinary process of this machine. */
export const startGuestTool = (
  variant: Variant,
  argv: string[],
  cwd?: string,
): ChildProcessWithoutNullStreams => {
  const [program, ...words] = wordsFor(variant);
  return spawn(program!, [...words, ...argv], { env, cwd });
};

export async function runGuestTool(
  variant: Variant,
  argv: string[],
  { cwd, input }: { cwd?: string; input?: Buffer } = {},
): Promise<ToolOutcome> {
  return outcomeOfTool(startGuestTool(variant, argv, cwd), input);
}

export async function outcomeOfTool(
  child: ChildProcessWithoutNullStreams,
  input?: Buffer,
): Promise<ToolOutcome> {
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => stdout.push(data));
  child.stderr.on('data', (data: Buffer) => {
    stderr += data;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(stdout), stderr };
}
