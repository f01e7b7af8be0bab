import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, watch } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGuest, initBinary } from './guest-programs.ts';

/** A real fsb-init as PID 1 of a pid namespace of its own, sharing everything else with this machine. */
export interface RealGuest {
  channelPath: string;
  /** PID 1 of the guest as this machine sees it. */
  pid: number;
  pidStartTime: number;
  /** How many processes it has, PID 1 included. */
  processes(): number;
  /** Stops PID 1 alone: enough to make the guest silent. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL to all of it; resolves when nothing of it runs. Idempotent. */
  stop(): Promise<void>;
  /** Also removes its directory. Idempotent. */
  remove(): Promise<void>;
}

export async function startRealGuest(): Promise<RealGuest> {
  buildGuest();
  const directory = mkdtempSync(join(tmpdir(), 'fsb-guest-'));
  const channelPath = join(directory, 'guest.sock');
  const ready = fileAppears(directory, 'guest.sock');
  const namespace = ['--pid', '--fork', '--kill-child', '--mount', '--mount-proc'];
  const child = spawn('unshare', [...namespace, initBinary, '--listen', channelPath], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const complaints: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const ended = once(child, 'close');
  await Promise.race([ready.then(() => listens(channelPath)), failedStart(ended, complaints)]);
  const pid = onlyChildOf(child);
  const signal = (name: NodeJS.Signals): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, name);
  };
  const stop = async (): Promise<void> => {
    try {
      signal('SIGKILL');
    } catch {
      // It has just ended by itself.
    }
    await ended;
  };
  return {
    channelPath,
    pid,
    pidStartTime: startTimeOf(pid),
    processes: () => 1 + descendantsOf(pid),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    stop,
    async remove() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function failedStart(ended: Promise<unknown[]>, complaints: Buffer[]): Promise<never> {
  const [code, signal] = await ended;
  throw new Error(
    `fsb-init ended before it listened: code ${code}, signal ${signal}: ${Buffer.concat(complaints)}`,
  );
}

/** A socket has its name before it listens: until then a connection is refused at once. */
async function listens(path: string): Promise<void> {
  for (;;) {
    const probe = connect(path);
    const accepted = await once(probe, 'connect').then(
      () => true,
      () => false,
    );
    probe.destroy();
    if (accepted) return;
  }
}

function fileAppears(directory: string, name: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(directory, (_event, file) => {
      if (file !== name) return;
      watcher.close();
      resolve();
    });
  });
}

/** Whoever is orphaned inside becomes a child of PID 1: nothing of a guest is anywhere else. */
function descendantsOf(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + 1 + descendantsOf(child), 0);
}

/** None when it has just ended. */
function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    return [];
  }
}

function onlyChildOf(child: ChildProcess): number {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
  return Number(children[0]);
}

/** Field 22; the name in field 2 may itself have spaces and parentheses. */
function startTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}
