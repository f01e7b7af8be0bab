import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { buildGuest, type Variant } from './raw-guest.ts';

export interface ToolOutcome {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

const env = { ASAN_OPTIONS: 'detect_leaks=0', UBSAN_OPTIONS: 'print_stacktrace=1' };

const built = new Map<Variant, string>();

function program(variant: Variant): string {
  const path = built.get(variant) ?? buildGuest(variant);
  built.set(variant, path);
  return path;
}

/** A tool of the real fsb-init, as an ordinary process of this machine. */
export const startGuestTool = (
  variant: Variant,
  argv: string[],
  cwd?: string,
): ChildProcessWithoutNullStreams => spawn(program(variant), argv, { env, cwd });

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
