import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ownPort } from '../own-port.ts';

const run = promisify(execFile);

/** A machine to log in to: the real sshd on a port of loopback, with keys of its own. */
export interface Sshd {
  port: number;
  /** Pids of what serves connections now. */
  connections(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface SshdOptions {
  /** Everything of it lies here. */
  directory: string;
  /** Gets a program `ssh` that knows the host `far`, and its key, as a user's own configuration does. */
  bin: string;
  /** What commands find there in their environment. */
  env: Record<string, string>;
}

export async function startSshd({ directory, bin, env }: SshdOptions): Promise<Sshd> {
  const file = (name: string): string => join(directory, name);
  await mkdir(directory, { recursive: true });
  // Where it locks itself in; Debian's start script makes it.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  for (const name of ['host_key', 'user_key', 'stranger_key'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
  const port = await ownPort();
  await writeFile(file('authorized_keys'), await readFile(file('user_key.pub')));
  await writeFile(
    file('sshd_config'),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${file('host_key')}
AuthorizedKeysFile ${file('authorized_keys')}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
SetEnv ${Object.entries(env)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ')}
`,
  );
  const [type, key] = (await readFile(file('host_key.pub'), 'utf8')).split(' ');
  await writeFile(file('known_hosts'), `[127.0.0.1]:${port} ${type} ${key}\n`);
  await writeFile(
    file('ssh_config'),
    `Host far stranger
  HostName 127.0.0.1
  Port ${port}
  User root
  IdentitiesOnly yes
  UserKnownHostsFile ${file('known_hosts')}
Host far
  IdentityFile ${file('user_key')}
Host stranger
  IdentityFile ${file('stranger_key')}
`,
  );
  await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${file('ssh_config')} "$@"\n`);
  await chmod(join(bin, 'ssh'), 0o755);
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', file('sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await listening(server);
  return {
    port,
    connections: async () => {
      const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(server.pid)]).catch(() => ({
        stdout: '',
      }));
      return stdout.split('\n').filter((line) => line !== '');
    },
    async stop() {
      if (server.exitCode !== null) return;
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}

function listening(server: ChildProcess): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    server.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('Server listening')) resolve();
    });
    server.once('exit', () => reject(new Error(`sshd ended: ${said}`)));
    server.once('error', reject);
  });
}
