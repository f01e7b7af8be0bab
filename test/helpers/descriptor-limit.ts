import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Changes our limit of open files. Started before, because without a free descriptor nothing can be started. */
export function limiter(): { set: (limit: number) => Promise<void>; usual: number } {
  const ours = ['--pid', String(process.pid)];
  const usual = execFileSync('prlimit', [...ours, '--nofile', '-o', 'SOFT', '--noheadings']).toString();
  const script = 'while read -r limit; do prlimit --pid "$1" --nofile="$limit:"; echo; done';
  const shell = spawn('sh', ['-c', script, 'sh', String(process.pid)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const set = async (limit: number): Promise<void> => {
    shell.stdin.write(`${limit}\n`);
    await once(shell.stdout, 'data');
  };
  return { set, usual: Number(usual) };
}
