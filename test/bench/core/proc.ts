import { readFileSync, writeFileSync } from 'node:fs';

/** Milliseconds that a process was running, all its threads together. */
export function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  const ticksPerSecond = 100;
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** KiB that a process has in memory now. */
export const residentMemory = (pid: number): number => statusField(pid, 'VmRSS');

/** KiB that it had in memory at most since its start, or since `forgetPeak`. */
export const peakMemory = (pid: number): number => statusField(pid, 'VmHWM');

export const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

const statusField = (pid: number, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
