import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawCore } from '../core/raw-core.ts';
import {
  builtFor,
  emulator,
  guestSources,
  initBinary,
  makeGuest,
  otherArchitecture,
} from './guest-programs.ts';

/** `sanitize` finds faults of memory, `release` is what is shipped, `emulated` the same for the other architecture. */
export const variants = ['sanitize', 'release', 'emulated'] as const;
export type Variant = (typeof variants)[number];

/** Builds fsb-init and returns the words that start it. */
export function buildVariant(variant: Variant): string[] {
  if (variant === 'emulated') {
    makeGuest('all', `ARCH=${otherArchitecture}`);
    return [emulator, join(builtFor(otherArchitecture), 'fsb-init')];
  }
  makeGuest(variant === 'sanitize' ? 'sanitize' : 'all');
  return [variant === 'sanitize' ? join(guestSources, 'build-sanitize/fsb-init') : initBinary];
}

export interface RawGuestOptions {
  /** Bound over /etc/passwd and /etc/group inside. */
  passwd?: string;
  group?: string;
  secret?: Buffer;
  /** Nothing inside has a capability. */
  powerless?: boolean;
  /** fsb-init makes the socket itself (`--listen`) instead of inheriting it. */
  listenItself?: boolean;
}

/** fsb-init as PID 1 of a pid and mount namespace of its own, on this machine's files. */
export class RawGuest {
  readonly folder = mkdtempSync(join(tmpdir(), 'fsb-raw-guest-'));
  readonly socketPath = join(this.folder, 'guest.sock');
  stderr = '';
  private child!: ChildProcess;
  private cores: RawCore[] = [];

  static async start(variant: Variant, options: RawGuestOptions = {}): Promise<RawGuest> {
    const guest = new RawGuest();
    await guest.boot(buildVariant(variant), options);
    return guest;
  }

  /** A connection that has shaken hands. */
  async connect(secret?: Buffer): Promise<RawCore> {
    return (await this.connectSilently()).hello(secret);
  }

  /** A connection that has not said HELLO. */
  async connectSilently(): Promise<RawCore> {
    const core = await RawCore.open(this.socketPath);
    this.cores.push(core);
    return core;
  }

  /** PID 1 as the machine numbers it. */
  get pid(): number {
    const parent = this.child.pid!;
    return Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0]);
  }

  /** Bytes of memory that PID 1 has resident. */
  get residentBytes(): number {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    return Number(line![1]) * 1024;
  }

  /** Its children, of which nothing but what the core asked for may remain. */
  get childCount(): number {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim();
    return children === '' ? 0 : children.split(' ').length;
  }

  /** Resolves when every child was reaped. Nothing tells of an orphan's end but the kernel's list. */
  async childless(): Promise<void> {
    while (this.childCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  get openDescriptors(): number {
    return Number(execFileSync('sh', ['-c', `ls /proc/${this.pid}/fd | wc -l`], { encoding: 'utf8' }));
  }

  /** Ends it, and tells whether it had lived until then without a complaint of a sanitizer. */
  async stop(): Promise<{ lived: boolean; stderr: string }> {
    const lived = this.child.exitCode === null && this.child.signalCode === null;
    for (const core of this.cores) await core.close();
    if (lived) {
      const gone = once(this.child, 'close');
      process.kill(this.pid, 'SIGKILL');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
    // unshare of util-linux 2.38 complains about its own signal mask when it is killed.
    const own = this.stderr.replace(/^unshare: .*\n/gm, '');
    return { lived, stderr: own };
  }

  private file(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  private async boot(program: string[], options: RawGuestOptions): Promise<void> {
    chmodSync(this.folder, 0o755);
    const mounts = [
      options.passwd === undefined ? [] : [`mount --bind ${this.file('passwd', options.passwd)} /etc/passwd`],
      options.group === undefined ? [] : [`mount --bind ${this.file('group', options.group)} /etc/group`],
    ].flat();
    const init = [...program];
    if (options.listenItself) init.push('--listen', this.socketPath);
    else init.push('--listen-fd', '3');
    let redirection = '';
    if (options.secret) {
      const path = join(this.folder, 'secret');
      writeFileSync(path, options.secret);
      redirection = ` 4<${path}`;
      init.push('--secret-fd', '4');
    }
    if (options.powerless)
      init.unshift('setpriv', '--inh-caps=-all', '--bounding-set=-all', '--clear-groups');
    const script = [...mounts, `exec ${init.join(' ')}${redirection}`].join(' && ');
    const listening = options.listenItself ? null : await listenInNode(this.socketPath);
    this.child = spawn(
      'unshare',
      ['--pid', '--fork', '--mount-proc', '--kill-child', '--', 'sh', '-c', script],
      {
        stdio: ['ignore', 'ignore', 'pipe', listening?.fd ?? 'ignore'],
        env: { PATH: process.env.PATH, ASAN_OPTIONS: 'detect_leaks=0', UBSAN_OPTIONS: 'print_stacktrace=1' },
      },
    );
    this.child.stderr!.on('data', (data) => {
      this.stderr += data;
    });
    listening?.release();
    if (options.listenItself) await this.listensItself();
  }

  /** Nothing but the socket itself tells that fsb-init listens. */
  private async listensItself(): Promise<void> {
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`fsb-init ended: ${this.stderr}`);
      const core = existsSync(this.socketPath) && (await RawCore.open(this.socketPath).catch(() => null));
      if (core) return await core.close();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** A listening unix socket that a child can inherit. Node itself stops to accept on it when it is released. */
async function listenInNode(path: string): Promise<{ fd: number; release(): void }> {
  const server = createServer();
  const first = `${path}.first`;
  server.listen(first);
  await once(server, 'listening');
  // Closing unlinks the name that Node knows.
  renameSync(first, path);
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  return { fd, release: () => server.close() };
}
