import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupName } from './traces.ts';

/** Bytes that an instance may use, as the kernel has it. */
export async function memoryLimit(root: string, instance: string): Promise<number> {
  const group = join(cgroupName(root), instance);
  const files = [`memory/${group}/memory.limit_in_bytes`, `${group}/memory.max`];
  const [v1, v2] = await Promise.all(
    files.map((file) => readFile(join('/sys/fs/cgroup', file), 'utf8').catch(() => undefined)),
  );
  return Number(v1 ?? v2);
}
