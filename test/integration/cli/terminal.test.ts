import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CODE_CACHES } from '../../helpers/cli/cli-root.ts';
import { Recorder } from '../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const entry = join(root, 'bin/run.js');
const python = join(root, 'test/helpers/cli/terminal.py');

let behind: HostCore;
let served: ServedCore;
let host: string;

beforeAll(async () => {
  behind = hostCore();
  served = await serveAndConnect(behind, 'unix');
  // The command line expects the HTTP socket under this name beside the other.
  host = served.servers.grpc[0]!;
  expect(dirname(host)).toBe(dirname(served.servers.http[0]!));
});

afterAll(async () => {
  await served.close();
  await behind.close();
});

interface Started {
  child: ChildProcessWithoutNullStreams;
  out: Recorder;
  err: Recorder;
  end: Promise<number | null>;
}

function start(command: string, args: string[], more: NodeJS.ProcessEnv = {}): Started {
  const env = {
    ...process.env,
    FSB_HOST: host,
    NODE_EXTRA_CA_CERTS: '',
    XDG_CACHE_HOME: CODE_CACHES,
    ...more,
  };
  const child = spawn(command, args, { env, cwd: root });
  const [out, err] = [new Recorder(), new Recorder()];
  child.stdout.pipe(out);
  child.stderr.pipe(err);
  child.stdin.on('error', () => {});
  return { child, out, err, end: once(child, 'close').then(([code]) => code as number | null) };
}

const plain = (args: string[]): Started => start('node', [entry, ...args]);
const onTerminal = (args: string[], env?: NodeJS.ProcessEnv): Started =>
  start('python3', [python, 'node', entry, ...args], env);

/** What the driver said at the end. */
async function verdict(line: Started): Promise<{ code: number; restored: boolean }> {
  await line.end;
  return JSON.parse(line.out.text.split('\0').at(-1)!);
}

/** The command line itself, below the driver. */
async function pidOf(line: Started): Promise<number> {
  await line.err.until(/pid \d+\n/);
  return Number(/pid (\d+)/.exec(line.err.text)![1]);
}

beforeEach(async () => {
  const ref = { namespace: 'default', name: 'box' };
  await behind.sandboxes.delete(ref, { grace: 0 }).catch(() => undefined);
  await behind.sandboxes.create({ ...ref, spec: { image: 'host', args: ['sleep', '600'] } });
});

describe('the whole program on a terminal', () => {
  it('passes keys, size and exit code, and puts the terminal back', async () => {
    const line = onTerminal([
      'exec',
      '-it',
      'box',
      'sh',
      '-c',
      'stty size; read word; echo "<$word>"; exit 9',
    ]);
    await line.out.until('31 97');
    line.child.stdin.write('hello\r');
    await line.out.until('<hello>');
    expect(await verdict(line)).toEqual({ code: 9, restored: true });
  });

  it('sends ctrl-C to the command as a key', async () => {
    const line = onTerminal([
      'exec',
      '-it',
      'box',
      'sh',
      '-c',
      'trap "echo got it; exit 5" INT; echo up; while :; do sleep 0.05; done',
    ]);
    await line.out.until('up');
    line.child.stdin.write('\u0003');
    await line.out.until('got it');
    expect(await verdict(line)).toEqual({ code: 5, restored: true });
  });

  it('survives ctrl-C in an editor, which the whole group gets', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fsb-editor-'));
    const editor = join(directory, 'editor');
    const text = 'printf \'image: host\\nargs: [sleep, "60"]\\n\' > "$1"';
    const wait = 'trap "echo ctrl-c" INT; echo open; read saved';
    // A read that a signal broke is begun again, as an editor does.
    await writeFile(editor, `#!/bin/sh\n${wait}; while [ -z "$saved" ]; do read saved; done\n${text}\n`);
    await chmod(editor, 0o755);
    const env = { VISUAL: `FROM=setting ${editor}`, XDG_STATE_HOME: directory };
    const line = onTerminal(['run', 'edited', '--yes', '-q'], env);
    await line.out.until('open');
    for (const count of [1, 2]) {
      line.child.stdin.write('\u0003');
      await line.out.until(new RegExp(`(ctrl-c[^]*){${count}}`));
    }
    line.child.stdin.write('saved\r');
    expect(await verdict(line)).toEqual({ code: 0, restored: true });
    await behind.sandboxes.delete({ namespace: 'default', name: 'edited' }, { grace: 0 });
    await rm(directory, { recursive: true });
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1'] as const)(
    'puts the terminal back when %s ends it',
    async (signal) => {
      const line = onTerminal(['exec', '-it', '--no-sig-proxy', 'box', 'sh', '-c', 'echo up; sleep 600']);
      await line.out.until('up');
      process.kill(await pidOf(line), signal);
      expect(await verdict(line)).toEqual({ code: 128 + constants.signals[signal], restored: true });
    },
  );

  it('detaches with ctrl-p ctrl-q', async () => {
    const line = onTerminal([
      'run',
      'shell',
      '-it',
      '--image',
      'host',
      '--',
      'sh',
      '-c',
      'echo up; sleep 600',
    ]);
    await line.out.until('up');
    line.child.stdin.write('\u0010\u0011');
    expect(await verdict(line)).toEqual({ code: 0, restored: true });
    expect((await behind.sandboxes.get({ namespace: 'default', name: 'shell' })).state.phase).toBe('Running');
    await behind.sandboxes.delete({ namespace: 'default', name: 'shell' }, { grace: 0 });
  });
});

describe('the whole program on pipes', () => {
  it('eats no input without -i', async () => {
    const script = `printf 'a\\nb\\n' | while read word; do node ${entry} exec box echo "$word"; done`;
    const line = start('sh', ['-c', script]);
    await line.end;
    expect(line.out.text).toBe('a\nb\n');
  });

  it('half-closes at the end of its input, loses nothing', async () => {
    const line = plain(['exec', '-i', 'box', 'sha256sum']);
    line.child.stdin.end(Buffer.alloc(20_000_000, 'x'));
    expect(await line.end).toBe(0);
    expect(line.out.text).toMatch(/^[0-9a-f]{64} {2}-\n$/);
  });

  it('delivers everything before it exits, to a slow reader too', async () => {
    const script = `node ${entry} exec box sh -c 'head -c 5000000 /dev/zero; exit 3' | (sleep 0.3; wc -c)`;
    const line = start('bash', ['-c', `set -o pipefail; ${script}`]);
    expect(await line.end).toBe(3);
    expect(line.out.text.trim()).toBe('5000000');
  });

  it('ends without a word when its reader goes', async () => {
    const line = start('bash', [
      '-c',
      `node ${entry} exec box sh -c 'while :; do echo more; done' | head -1; exit \${PIPESTATUS[0]}`,
    ]);
    expect(await line.end).toBe(141);
    expect([line.out.text, line.err.text]).toEqual(['more\n', '']);
  });

  it('passes a signal on and reports what it did', async () => {
    const line = plain(['exec', 'box', 'sh', '-c', 'echo up; exec sleep 600']);
    await line.out.until('up');
    line.child.kill('SIGTERM');
    expect(await line.end).toBe(143);
  });

  it('says so when the output cannot be written', async () => {
    const line = start('sh', ['-c', `node ${entry} list > /dev/full`]);
    expect(await line.end).toBe(1);
    expect(line.err.text).toMatch(/^Error: cannot write the output: .*no space left/i);
  });

  it('says how to start the local core', async () => {
    const line = start('env', [
      '-u',
      'FSB_HOST',
      `FSB_ROOT=${served.directory}/none`,
      'FSB_NO_AUTOSTART=1',
      'node',
      entry,
      'list',
    ]);
    expect(await line.end).toBe(6);
    expect(line.err.text).toContain('fsb-ctl daemon start');
  });
});
