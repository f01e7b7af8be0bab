import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';

/** The names of one version of cgroups. */
interface Files {
  parent: string;
  limit: string;
  usage: string;
  /** The highest usage so far. */
  peak: string;
  /** Has a line `oom_kill N`. */
  kills: string;
  /** What may be taken of memory and swap together, or of swap: where the machine counts that at all. */
  swap: { file: string; value: (limit: number) => number };
}

const v1: Files = {
  ...{ parent: V1, limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes' },
  ...{ peak: 'memory.max_usage_in_bytes', kills: 'memory.oom_control' },
  swap: { file: 'memory.memsw.limit_in_bytes', value: (limit) => limit },
};
const v2: Files = {
  ...{
    parent: V2,
    limit: 'memory.max',
    usage: 'memory.current',
    peak: 'memory.peak',
    kills: 'memory.events',
  },
  swap: { file: 'memory.swap.max', value: () => 0 },
};

/** A cgroup with a limit of its memory. */
export interface MemoryGroup extends AsyncDisposable {
  /** A process that writes 0 or its pid to this file is in it, with all that it starts from then on. */
  procs: string;
  /** Bytes, all that the kernel counts: also files in its cache, which it lets go of when it must. */
  usage(): Promise<number>;
  peak(): Promise<number>;
  /** Bytes. @throws when more is in use, on the older version */
  limit(bytes: number): Promise<void>;
  /** How many processes in it the kernel has killed for their memory. */
  kills(): Promise<number>;
}

/** @param limit bytes; nothing may be in it any more when it is disposed of */
export async function memoryGroup(limit: number): Promise<MemoryGroup> {
  const files = (await readdir(V1).catch(() => undefined)) === undefined ? v2 : v1;
  const group = join(files.parent, `fsb-test-memory-${process.pid}`);
  await mkdir(group);
  if (files === v2) await writeFile(join(V2, 'cgroup.subtree_control'), '+memory');
  const read = (file: string): Promise<string> => readFile(join(group, file), 'utf8');
  const setLimit = async (bytes: number): Promise<void> => {
    // The older version wants the smaller limit first when they go down, and last when they go up.
    const setSwap = (): Promise<void> =>
      writeFile(join(group, files.swap.file), String(files.swap.value(bytes))).catch(() => {});
    await setSwap();
    await writeFile(join(group, files.limit), String(bytes));
    await setSwap();
  };
  await setLimit(limit);
  return {
    procs: join(group, 'cgroup.procs'),
    usage: async () => Number(await read(files.usage)),
    peak: async () => Number(await read(files.peak)),
    limit: setLimit,
    kills: async () => Number(/^oom_kill (\d+)$/m.exec(await read(files.kills))![1]),
    [Symbol.asyncDispose]: () => rmdir(group),
  };
}
