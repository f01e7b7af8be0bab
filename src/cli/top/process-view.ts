import { timestamp } from '../../core/view/timestamp.ts';
import type { Column, Listing } from '../output/output.ts';
import type { Process } from './processes.ts';

/** A process as `-o json` and `-o yaml` show it. */
export interface ProcessView {
  /** Null: the sandbox has no name for the uid. */
  user: string | null;
  uid: number;
  pid: number;
  ppid: number;
  /** Of one core, over its whole life. */
  cpu_percent: number;
  cpu_ms: number;
  started_at: string;
  tty: string | null;
  command: string;
}

const DAY_MS = 86_400_000;

/** The columns of `ps -ef`, as `docker top` has them. */
export function processListing(processes: Process[], now: number): Listing<ProcessView> {
  const columns: Column<ProcessView>[] = [
    { title: 'UID', value: (p) => p.user ?? `${p.uid}` },
    { title: 'PID', value: (p) => `${p.pid}` },
    { title: 'PPID', value: (p) => `${p.ppid}` },
    { title: 'C', value: (p) => `${Math.trunc(p.cpu_percent)}` },
    { title: 'STIME', value: (p) => startText(p.started_at, now) },
    { title: 'TTY', value: (p) => p.tty ?? '?' },
    { title: 'TIME', value: (p) => durationText(p.cpu_ms) },
    { title: 'CMD', value: (p) => p.command },
  ];
  return { items: processes.map((process) => processView(process, now)), columns, name: (p) => `${p.pid}` };
}

function processView({ user, used, age, tty, uid, pid, ppid, command }: Process, now: number): ProcessView {
  const percent = age > 0 ? (100 * used) / age : 0;
  return {
    user: user ?? null,
    ...{ uid, pid, ppid },
    cpu_percent: Math.round(10 * percent) / 10,
    cpu_ms: Math.round(used),
    started_at: timestamp(now - age),
    tty: tty ?? null,
    command,
  };
}

/** The time within a day, else the date. */
function startText(startedAt: string, now: number): string {
  const start = new Date(startedAt);
  if (now - start.getTime() < DAY_MS) return start.toTimeString().slice(0, 5);
  const month = start.toLocaleString('en-US', { month: 'short' });
  return `${month}${`${start.getDate()}`.padStart(2, '0')}`;
}

function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => `${part}`.padStart(2, '0')).join(':');
}
