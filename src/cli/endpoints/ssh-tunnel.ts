import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { CoreEndpoint } from '../config/endpoint.ts';
import type { World } from '../terminal/world.ts';
import { passingDirectory } from './passing-directory.ts';
import { BEGIN, END } from './ssh-script.ts';

export interface TunnelOptions {
  /** Command line for the shell over there. */
  script: string;
  /** Somebody can type a password. */
  interactive: boolean;
  env: NodeJS.ProcessEnv;
  events: World['events'];
}

export interface Tunnel {
  /** What the script said; undefined, and the exit code, when ssh ended before it had said it. */
  readonly answered: Promise<{ answer?: string; code: number | null }>;
  /** The last of what ssh, and the script, wrote to standard error. */
  readonly complaint: string;
  /** @returns the socket here that leads to that one there */
  forward(socket: string, name: string): Promise<string>;
  /** Ends ssh and removes the sockets. Idempotent. */
  close(): Promise<void>;
}

const COMPLAINT_MOST = 2000;
/** Characters: what a shell's start-up files write before the answer may be long. */
const ANSWER_MOST = 256 * 1024;
/** Seconds. */
const CONNECT_TIMEOUT = 20;

/** One ssh to another machine; what it is to forward is asked of it through its control socket. */
export function openTunnel(endpoint: CoreEndpoint & { kind: 'ssh' }, options: TunnelOptions): Tunnel {
  // Of this user alone: whoever can open the sockets has the core.
  const directory = passingDirectory('fsb-ssh-', options.env);
  const control = join(directory.path, 'ssh');
  const target = targetWords(endpoint);
  const words = [...optionWords(control, options.interactive), ...target, options.script];
  const ssh = spawn('/bin/sh', ['-c', UNINTERRUPTED, 'ssh', ...words], { env: options.env });
  const exited = new Promise<number | null>((resolve) => {
    ssh.once('error', () => resolve(null));
    ssh.once('close', resolve);
  });
  let complaint = '';
  ssh.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-COMPLAINT_MOST);
  });
  ssh.stdin.on('error', () => {});
  const removeAll = (): void => {
    ssh.kill();
    directory.remove();
  };
  options.events.on('exit', removeAll);
  return {
    answered: Promise.race([
      answerIn(ssh.stdout).then((answer) => ({ answer, code: null })),
      exited.then((code) => ({ code })),
    ]),
    get complaint() {
      return complaint.replaceAll('\r', '').trim();
    },
    async forward(socket, name) {
      const here = join(directory.path, name);
      const request = ['-S', control, '-O', 'forward', '-L', `${here}:${socket}`, ...target];
      await succeed(spawn('ssh', request, { env: options.env }), endpoint.host);
      return here;
    },
    async close() {
      options.events.off('exit', removeAll);
      ssh.stdin.end();
      ssh.kill();
      await exited;
      directory.remove();
    },
  };
}

/** ctrl-C goes to all processes at the terminal, but when ssh is to end is for this one to say. */
const UNINTERRUPTED = 'trap "" INT QUIT; exec ssh "$@"';

/** Nothing in a user's ssh_config may give this connection other work, or give its work to another connection. */
function optionWords(control: string, interactive: boolean): string[] {
  const settings = {
    BatchMode: interactive ? 'no' : 'yes',
    ConnectTimeout: CONNECT_TIMEOUT,
    ServerAliveInterval: 15,
    ControlMaster: 'yes',
    ControlPath: control,
    ControlPersist: 'no',
    ClearAllForwardings: 'yes',
    RemoteCommand: 'none',
    ForwardX11: 'no',
    StreamLocalBindMask: '0177',
  };
  return ['-T', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

function targetWords({ host, user, port }: CoreEndpoint & { kind: 'ssh' }): string[] {
  return [
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
  ];
}

/** Resolves with what stands between the marks; never when they do not come. */
function answerIn(output: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    output.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-ANSWER_MOST);
      const [, answer] = new RegExp(`${BEGIN}\\n([^]*)${END}`).exec(text) ?? [];
      if (answer !== undefined) resolve(answer);
    });
  });
}

async function succeed(child: ChildProcessWithoutNullStreams, host: string): Promise<void> {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise((resolve) => {
    child.once('close', resolve);
    child.once('error', resolve);
  });
  if (code === 0) return;
  throw new FsbError('unavailable', `ssh to ${host} cannot forward a socket: ${said.trim()}`, {
    hint: 'Does the sshd there allow it? See AllowStreamLocalForwarding in its sshd_config.',
  });
}
